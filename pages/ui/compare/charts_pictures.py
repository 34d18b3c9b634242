"""Pictures of the charts, made in the browser from what it shows: an SVG or a PNG with a title and a ground.

    draw_pictures({"compare_e1_frontier": "Evidence found against tokens"}, "compare_e1_pictures")

A chart on the page chooses its colours by CSS (`light-dark`), which other programs do not know. The component takes the
drawing as it stands, writes plain colours of the theme that was chosen, and adds the page's ground and the title. In a
PNG letters are those of the page; an SVG names the font and, for computers that lack it, fonts like it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import streamlit as st

from pages.ui.words import colour, ink


def draw_pictures(titles: Mapping[str, str], key: str) -> None:
    """Draw the buttons for the charts with these keys, in their order."""
    charts = [{"key": name, "title": title} for name, title in titles.items()]
    _component()(data={"charts": charts, "ground": colour("background"), "ink": ink()}, key=key)


def hide_own_download(key: str) -> None:
    """Take the button away by which Streamlit saves a chart with colours that other programs draw black."""
    st.html(
        f'<style>.st-key-{key} [data-testid="stElementToolbarButton"]:has([aria-label^="Download as SVG"])'
        "{display:none}</style>"
    )


@cache
def _component() -> Any:
    return st.components.v2.component("compare_pictures", html=_HTML, css=_CSS, js=_SCRIPT)


# Each on several lines: a string of one line might be taken for a path.
_HTML = """
<div class="ground"><label>Ground <select>
<option value="">as shown</option><option value="light">light</option><option value="dark">dark</option>
</select></label></div>
<ul></ul>
<p role="status"></p>
"""

_CSS = """
:host, div, ul, p, select, button { font-family: var(--st-font); font-size: 13px; color: var(--st-text-color); }
ul { list-style: none; margin: 6px 0 0; padding: 0; }
li {
  display: flex; align-items: center; gap: 8px; padding: 4px 0; border-bottom: 1px solid var(--st-border-color);
}
li span { flex: 1; min-width: 0; overflow-wrap: anywhere; }
button, select {
  padding: 2px 10px; border: 1px solid var(--st-border-color); border-radius: 5px; line-height: 20px;
  background: var(--st-background-color);
}
button { cursor: pointer; }
button:hover { border-color: var(--st-text-color); }
button:focus-visible, select:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
p { min-height: 18px; margin: 4px 0 0; }
"""

_SCRIPT = """
const SPACE = "http://www.w3.org/2000/svg"
const PAINTED = ["fill", "stroke"]
const FONTS = "'Source Sans', 'Source Sans 3', 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

export default function (component) {
  const { parentElement: root, data } = component
  const list = root.querySelector("ul"), said = root.querySelector("p"), ground = root.querySelector("select")
  list.replaceChildren(...data.charts.map(chart => {
    const row = document.createElement("li"), name = document.createElement("span")
    name.textContent = chart.title
    row.append(name, ...["PNG", "SVG"].map(kind => {
      const button = document.createElement("button")
      button.textContent = kind
      button.setAttribute("aria-label", `${kind} of ${chart.title}`)
      button.onclick = async () => {
        const drawn = document.querySelector(`.st-key-${CSS.escape(chart.key)} svg[width]`)
        if (!drawn) {
          said.textContent = `${chart.title} is not drawn yet: scroll to it and press again.`
          return
        }
        try {
          const file = `${chart.title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}`
          const svg = picture(drawn, chart.title, ground.value, data)
          if (kind === "SVG") save(new Blob([text(svg)], { type: "image/svg+xml" }), `${file}.svg`)
          else save(await png(svg), `${file}.png`)
          said.textContent = `${file}.${kind.toLowerCase()} is saved.`
        } catch (error) { said.textContent = `The picture could not be made: ${error.message}` }
      }
      return button
    }))
    return row
  }))
}

function picture(drawn, title, scheme, data) {
  const width = Number(drawn.getAttribute("width")), height = Number(drawn.getAttribute("height")), above = 34
  const svg = drawn.cloneNode(true), holder = document.createElement("div")
  const head = document.createElementNS(SPACE, "text"), back = document.createElementNS(SPACE, "rect")
  // The browser itself says what each colour is in the theme that is wanted.
  holder.style.cssText = "position:absolute;left:-99999px;top:0;visibility:hidden"
  holder.style.colorScheme = scheme || getComputedStyle(drawn).colorScheme
  back.setAttribute("x", 0), back.setAttribute("y", -above)
  back.setAttribute("width", width), back.setAttribute("height", height + above)
  back.setAttribute("fill", data.ground)
  head.textContent = title
  head.setAttribute("x", 8), head.setAttribute("y", -12), head.setAttribute("fill", data.ink)
  head.setAttribute("style", `font:600 15px ${FONTS}`)
  svg.prepend(back, head)
  svg.removeAttribute("style")
  svg.setAttribute("xmlns", SPACE)
  svg.setAttribute("viewBox", `0 ${-above} ${width} ${height + above}`)
  svg.setAttribute("width", width), svg.setAttribute("height", height + above)
  holder.append(svg)
  document.body.append(holder)
  for (const node of svg.querySelectorAll("text")) node.style.fontFamily = FONTS
  for (const node of svg.querySelectorAll("*")) {
    const look = getComputedStyle(node)
    for (const name of PAINTED) {
      if (node.getAttribute(name)?.includes("(")) node.setAttribute(name, look[name])
      if (node.style?.[name]?.includes("(")) node.style[name] = look[name]
    }
  }
  // Letters that have an edge have it in the colour of the ground, which ECharts has written for the theme of the page.
  for (const node of svg.querySelectorAll("text[stroke]")) node.setAttribute("stroke", back.getAttribute("fill"))
  holder.remove()
  return svg
}

const text = svg => new XMLSerializer().serializeToString(svg)

async function png(svg) {
  const letters = document.createElementNS(SPACE, "style")
  letters.textContent = await fonts()
  svg.prepend(letters)
  const address = URL.createObjectURL(new Blob([text(svg)], { type: "image/svg+xml" }))
  try {
    const image = new Image()
    image.src = address
    await image.decode()
    const canvas = document.createElement("canvas")
    canvas.width = 2 * svg.getAttribute("width"), canvas.height = 2 * svg.getAttribute("height")
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height)
    return await new Promise((done, failed) =>
      canvas.toBlob(blob => blob ? done(blob) : failed(new Error("the browser made none")), "image/png"))
  } finally { URL.revokeObjectURL(address) }
}

async function fonts() {
  // A picture sees no font of the page, so it brings its own; without one the browser's usual letters stand there.
  for (const sheet of document.styleSheets) {
    let rules = []
    try { rules = [...sheet.cssRules] } catch { continue }
    for (const rule of rules) {
      const family = rule.style?.getPropertyValue("font-family").replace(/["']/g, "")
      const found = /url\\(["']?([^"')]+)/.exec(rule.style?.getPropertyValue("src") ?? "")
      if (rule.type !== 5 || family !== "Source Sans" || !found || rule.style.fontStyle === "italic") continue
      try {
        const bytes = new Uint8Array(await (await fetch(new URL(found[1], sheet.href ?? location.href))).arrayBuffer())
        let coded = ""
        for (let at = 0; at < bytes.length; at += 8192) coded += String.fromCharCode(...bytes.subarray(at, at + 8192))
        const address = `data:font/woff2;base64,${btoa(coded)}`
        return `@font-face{font-family:"Source Sans";font-weight:200 900;src:url(${address})}`
      } catch { return "" }
    }
  }
  return ""
}

function save(blob, name) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
}
"""
