"""The log of a service for programs: an object in each line, with its time in UTC, its level and the request's id."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import g, has_app_context
from gunicorn.glogging import Logger

from ledger.clock import show


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON. Whatever it holds, it is one line: nobody forges another by a line break."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": show(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if has_app_context() and "request_id" in g:
            told["request_id"] = g.request_id
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(told, default=str).decode()


class JsonLogger(Logger):  # type: ignore[misc]
    """Gunicorn's log and everybody else's, in JSON on standard error."""

    def setup(self, cfg: Any) -> None:
        """Set up the log, in the master and again with each reload."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())
        everybody = logging.StreamHandler()
        everybody.setFormatter(JsonLines())
        logging.basicConfig(handlers=[everybody], level=self.loglevel, force=True)
