"""How the page looks, and the few lines of script that it can do without.

The rule: everything stands in the file itself and nothing is fetched. Light and dark follow the reader's setting, print is always light,
wide tables scroll on their own. The script only sorts tables and opens what a link points into.
"""

from __future__ import annotations

import base64
import hashlib

from medsim.report.drawing import DARK, LIGHT

_LIGHT = {"paper": "#ffffff", "soft": "#f3f5f7", "quiet": "#59626c", "link": "#0a4f96", "mark": "#fff2b8", **LIGHT}
_DARK = {"paper": "#14181d", "soft": "#1e242b", "quiet": "#a3acb7", "link": "#8cc0ff", "mark": "#4a4210", **DARK}


def _set(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


CSS = f""":root{{color-scheme:light dark;{_set(_LIGHT)}}}
@media screen and (prefers-color-scheme:dark){{:root{{{_set(_DARK)}}}}}
*{{box-sizing:border-box}}
html{{scroll-padding-top:1rem}}
body{{margin:0 auto;max-width:70rem;padding:1rem clamp(.7rem,3vw,2rem) 4rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:break-word}}
h1{{font-size:1.7rem;line-height:1.2;margin:.5rem 0}}h2{{font-size:1.3rem;margin:2.4rem 0 .5rem;padding-top:.6rem;border-top:1px solid var(--faint)}}
h3{{font-size:1.05rem;margin:1.4rem 0 .4rem}}p{{max-width:46rem;margin:.5rem 0}}
a{{color:var(--link);text-underline-offset:.15em}}a:focus-visible,summary:focus-visible,.wide:focus-visible{{outline:2px solid var(--link);outline-offset:2px}}
.notice{{font-weight:600;border:1px solid var(--ink);padding:.35rem .7rem;display:inline-block}}
.quiet,small,.caption,figcaption,.notes{{color:var(--quiet)}}small{{font-size:.82em}}
nav ul{{padding:0;margin:.6rem 0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;list-style:none}}
.wide{{overflow-x:auto;margin:.6rem 0}}
table{{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}}
.caption{{font-size:.9rem;margin:.9rem 0 .1rem;max-width:none}}.caption+.wide{{margin-top:.1rem}}sup{{line-height:0}}
th,td{{padding:.3rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--faint)}}
th{{font-weight:600}}thead th{{vertical-align:bottom;border-bottom:2px solid var(--ink)}}
.n{{text-align:right;white-space:nowrap}}th.n{{white-space:normal}}.n small{{display:block}}td.s{{min-width:11rem;max-width:26rem;white-space:normal;text-align:left;color:var(--quiet)}}
td.w details{{margin:0}}td.w{{min-width:12rem;max-width:32rem}}small.words{{display:block;white-space:normal;font-weight:400}}
th[aria-sort]{{cursor:pointer}}th[aria-sort=ascending]::after{{content:" \\2191"}}th[aria-sort=descending]::after{{content:" \\2193"}}
.notes{{font-size:.85rem;padding-left:1.4rem}}
.plots{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}}
figure{{margin:.6rem 0;max-width:48rem}}figcaption{{font-size:.85rem;color:var(--quiet)}}
svg.plot{{display:block;width:100%;height:auto;color:var(--ink)}}.broad svg.plot{{min-width:36rem}}
details{{margin:.4rem 0}}summary{{cursor:pointer;padding:.15rem 0}}
.transcript{{background:var(--soft);padding:.5rem .8rem;margin:.3rem 0 1rem;font-size:.88rem}}
.transcript p{{margin:.15rem 0;max-width:none;white-space:pre-wrap;padding-left:4.2rem;text-indent:-4.2rem}}.transcript .at{{display:inline-block;min-width:4.2rem;text-indent:0;color:var(--quiet)}}
.doctor{{font-weight:600}}code{{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.92em}}
:target:not(h2,h3){{background:var(--mark)}}.k{{white-space:nowrap}}@media(max-width:40rem){{.k{{white-space:normal}}}}
ul.plain{{padding-left:1.2rem;max-width:48rem}}
@media (max-width:40rem){{body{{font-size:.95rem}}th,td{{padding:.25rem .45rem}}h1{{font-size:1.4rem}}}}
@media print{{:root{{color-scheme:light;{_set(_LIGHT)}}}body{{max-width:none;padding:0;font-size:9.5pt}}nav{{display:none}}.wide{{overflow:visible}}
table{{font-size:7.4pt}}th,td{{padding:.12rem .28rem}}td.w,td.s{{min-width:0;overflow-wrap:anywhere}}.n small{{white-space:normal}}th[scope=row],code{{overflow-wrap:normal}}svg.plot{{min-width:0!important}}h2,h3,.caption{{break-after:avoid}}tr,figure,.transcript p{{break-inside:avoid}}thead{{display:table-header-group}}
a{{color:inherit;text-decoration:none}}:target:not(h2,h3){{background:none}}.plots{{grid-template-columns:1fr 1fr}}}}
@page{{margin:14mm}}"""

SCRIPT = """(function(){
function open(){var e=document.getElementById(location.hash.slice(1));if(!e)return;
for(var d=e;d;d=d.parentElement)if(d.tagName==="DETAILS")d.open=true;e.scrollIntoView()}
addEventListener("hashchange",open);open();
document.querySelectorAll("table.sort").forEach(function(t){var b=t.tBodies[0];
t.querySelectorAll("thead th").forEach(function(h,i){h.setAttribute("aria-sort","none");h.tabIndex=0;
function go(){var up=h.getAttribute("aria-sort")!=="ascending";
t.querySelectorAll("thead th").forEach(function(o){o.setAttribute("aria-sort","none")});
h.setAttribute("aria-sort",up?"ascending":"descending");
function key(r){var v=r.cells[i].dataset.v;return v===undefined?r.cells[i].textContent:v===""?null:+v}
Array.from(b.rows).sort(function(p,q){var x=key(p),y=key(q);if(x===null||y===null)return(x===null)-(y===null);
return(x<y?-1:x>y?1:0)*(up?1:-1)}).forEach(function(r){b.appendChild(r)})}
h.addEventListener("click",go);h.addEventListener("keydown",function(e){if(e.key==="Enter")go()})})})})();"""

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    f"script-src 'sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'"
)
"""Nothing is fetched, and no script runs but ours, whatever else should have got into the page."""
