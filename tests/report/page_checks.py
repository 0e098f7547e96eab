"""What every page is held to: scripts to run in it, and strings that must not be obeyed."""

#: Visible text whose contrast to its background is under 4.5 (WCAG 2 AA), with the ratio.
CONTRASTS = """
const parse = c => c.match(/[\\d.]+/g).map(Number);
const light = c => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const [r, g, b] = parse(c).map(f); return .2126 * r + .7152 * g + .0722 * b; };
const ground = e => { for (; e; e = e.parentElement) {
  const c = getComputedStyle(e).backgroundColor, [, , , a] = parse(c);
  if (a === undefined || a === 1) return c; } return 'rgb(255,255,255)'; };
const poor = [];
for (const e of document.querySelectorAll('main *, header *, nav *, footer *')) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
  if (!e.getClientRects().length || e.closest('title,select,[hidden],.hidden')) continue;
  const style = getComputedStyle(e);
  const ink = e.namespaceURI.endsWith('svg') ? style.fill : style.color;
  const [a, b] = [light(ink), light(ground(e))].sort((x, y) => y - x);
  const ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) poor.push([e.textContent.slice(0, 40), ratio]);
}
return poor;
"""

PAYLOADS = [
    "<script>window.hit=1</script><img src=x onerror=window.hit=1><svg onload=window.hit=1>",
    "\"'><iframe srcdoc='<script>top.hit=1</script>'></iframe>{{ 7*191 }}{% raw %}../../x",
    "</script></title></style></textarea><script>window.hit=1</script><!--<script>javascript:hit=1",
    "\x1b[31m\u202e\u2028&lt;b&gt;${window.hit=1}`;window.hit=1;//]]>",
]

#: How many there are of every kind of element.
ELEMENTS = """
const found = {};
for (const e of document.querySelectorAll('*'))
  found[e.localName] = (found[e.localName] || 0) + 1;
return found;
"""
