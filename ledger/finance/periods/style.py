"""The style sheet of the close pack's page: for screens and for A4 paper. Pure."""

from typing import Final

STYLE: Final = """
:root { --ink: #16202c; --soft: #5b6775; --line: #d5dbe2; --band: #f3f6f9; --deep: #1b3a5c;
  --good: #2e6b3f; --bad: #a3261b }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 64rem; padding: 2rem; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif }
[lang|="zh"] { color: var(--soft); font-weight: normal; font-size: .86em; margin-left: .3em }
header { border-top: 6px solid var(--deep); padding-top: 1.2rem; margin-bottom: 2.5rem }
.kind { margin: 0; letter-spacing: .08em; text-transform: uppercase; font-size: .8rem; color: var(--soft) }
h1 { margin: .1rem 0 1.2rem; font-size: 2.2rem; line-height: 1.2; color: var(--deep) }
.period { color: var(--soft); font-weight: 300 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; list-style: none;
  margin: 0 0 1rem; padding: 0 }
.cards li { background: var(--band); border-left: 4px solid var(--deep); padding: .7rem .9rem; font-size: .85rem;
  display: flex; flex-direction: column; justify-content: space-between }
.cards strong { display: block; font-size: 1.45rem; font-variant-numeric: tabular-nums; color: var(--ink) }
.tied, .untied { display: inline-block; margin: 0 0 1rem; padding: .15rem .7rem; border-radius: 1rem; border: 1px solid;
  font-weight: 600; font-size: .85rem }
.tied { color: var(--good) }
.untied { color: var(--bad) }
dl { display: grid; grid-template-columns: minmax(12rem, max-content) 1fr; gap: .3rem 1.5rem; margin: 0 0 1.2rem }
dt { color: var(--soft); font-size: .88rem }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
section { margin: 0 0 2.8rem }
h2 { font-size: 1.35rem; color: var(--deep); border-bottom: 2px solid var(--deep); padding-bottom: .25rem;
  margin: 0 0 1rem }
figure { margin: 0 0 1.2rem; border: 1px solid var(--line); padding: .6rem }
figure svg { display: block; max-width: 46rem; margin: 0 auto }
.wide { overflow-x: auto; margin: 0 0 1.4rem }
table { border-collapse: collapse; width: 100%; font-size: .84rem; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: .3rem 0 .45rem }
th, td { padding: .32rem .55rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  overflow-wrap: break-word }
thead th { background: var(--band); border-bottom: 2px solid var(--line); vertical-align: bottom; font-weight: 600 }
thead [lang|="zh"], .cards [lang|="zh"] { display: block; margin: 0 }
tbody th { font-weight: 500 }
.number { text-align: right; white-space: nowrap }
tfoot th, tfoot td { font-weight: 700; border-top: 2px solid var(--deep) }
.note { color: var(--soft); font-size: .85rem }
code { font-size: .8em; overflow-wrap: anywhere }
.signatures div { display: grid; grid-template-columns: 14rem 1fr 5rem 9rem; gap: 1rem; align-items: end;
  margin-top: 2.6rem }
.signatures i { border-bottom: 1px solid var(--ink); height: 1.2rem }
footer { border-top: 1px solid var(--line); color: var(--soft); font-size: .75rem }
footer p { margin: .4rem 0 0 }
@page { size: A4; margin: 16mm 14mm }
@media print {
  body { padding: 0; max-width: none; font-size: 10pt }
  h1 { font-size: 22pt }
  section { margin: 0 0 8mm }
  section[aria-labelledby="points"], section[aria-labelledby="money"], section[aria-labelledby="trial-balance"],
  section[aria-labelledby="basis"] { break-before: page }
  .cards { grid-template-columns: repeat(4, 1fr) }
  .cards strong { font-size: 14pt }
  figure svg { max-width: 13cm }
  header, figure, tr, .signatures div, dl { break-inside: avoid }
  h2, caption, thead { break-after: avoid }
  thead { display: table-header-group }
  .wide { overflow: visible }
  table { font-size: 7.6pt }
  th, td { padding: .2rem .35rem }
  .number { white-space: normal }
  .cards li, thead th { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
"""
