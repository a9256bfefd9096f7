"""Figures that are watched: redemption rates, thresholds that raise alerts, and the page that Prometheus reads."""
