"""What the x-ray of a prompt does in the browser: it draws, tells, copies, and reports what was chosen.

The module's one name is the text of a JavaScript module, as Streamlit's components take it. Hovering or focusing a
piece says why it is there; choosing it, by a click, Enter or a tap, shows where it came from, with a button for each
source and one that copies it. Escape closes. Places in texts are counted in characters, as Python counts them.
"""

from pages.ui.copying import COPY

SCRIPT = (
    COPY
    + """
export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const find = (name) => parentElement.querySelector(name)
  const [bar, list, missed, live] = [find(".bar"), find("ol.pieces"), find("section.missed"), find(".live")]
  const shares = data.pieces.reduce((sum, piece) => sum + (piece.lines ? piece.lines.length : 1), 0)
  bar.replaceChildren()
  bar.classList.toggle("many", shares > 24)
  list.replaceChildren()
  list.setAttribute("aria-label", data.label)

  const make = (parent, tag, name, text) => {
    const element = document.createElement(tag)
    if (name) element.className = name
    // Whatever a user or a model wrote is set as text; it is never read as HTML.
    if (text !== undefined) element.textContent = text
    parent.append(element)
    return element
  }
  const press = (parent, name, text, act) => {
    const button = make(parent, "button", name, text)
    button.type = "button"
    button.addEventListener("click", (event) => {
      event.stopPropagation()
      act(button)
    })
    return button
  }
  const paint = (element, colour) => {
    element.style.setProperty("--fill", `var(--st-${colour}-color)`)
    element.style.setProperty("--ink", `var(--st-${colour}-text-color)`)
  }

  // --- the bar

  const share = (of, colour) => {
    const part = make(bar, "span", "")
    part.style.flexGrow = Math.max(of.tokens, 1)
    paint(part, colour)
    if (of.cached) make(part, "i", "").style.width = `${(100 * of.cached) / Math.max(of.tokens, 1)}%`
    return part
  }
  const join = (part, item) => {
    const light = (on) => () => { part.classList.toggle("on", on); item.classList.toggle("on", on) }
    for (const element of [part, item]) {
      element.addEventListener("mouseenter", light(true))
      element.addEventListener("mouseleave", light(false))
    }
    item.addEventListener("focusin", light(true))
    item.addEventListener("focusout", light(false))
    part.addEventListener("click", () => { item.scrollIntoView({ block: "nearest" }); item.choose?.(true) })
  }

  // --- what a text says

  const say = (parent, text, beside = parent) => {
    const said = make(parent, "span", "said")
    // Places are counted in characters, which JavaScript's own strings are not.
    const signs = text.marks.length ? Array.from(text.text) : []
    let from = 0
    for (const [start, end] of text.marks) {
      said.append(signs.slice(from, start).join(""))
      make(said, "mark", "", signs.slice(start, end).join(""))
      from = end
    }
    said.append(text.marks.length ? signs.slice(from).join("") : text.text)
    if (text.rest) press(beside, "whole", text.rest, () => ask("whole", text.id, text.id))
  }
  const ask = (name, value, focus) => {
    parentElement.refocus = focus
    setTriggerValue(name, value)
  }
  const chips = (parent, names) => { for (const name of names) make(parent, "span", "chip", name) }

  const known = new Map()
  // --- hover and focus say why it is there; choosing it says where it came from, and leads there

  const told = (item, at, text, id) => {
    const why = make(item, "div", "why", text)
    why.id = id
    why.setAttribute("aria-hidden", "true")
    at.setAttribute("aria-describedby", id)
    for (const back of ["mouseleave", "focusout"]) item.addEventListener(back, () => item.classList.remove("quiet"))
  }
  const choosable = (item, at, after, of, copied, id) => {
    at.setAttribute("aria-expanded", "false")
    known.set(id, item)
    let details = null
    item.choose = (on) => {
      details?.remove()
      details = null
      for (const other of parentElement.querySelectorAll(".open")) if (on && other !== item) other.choose(false)
      item.classList.toggle("open", on)
      at.setAttribute("aria-expanded", String(on))
      parentElement.chosen = on ? id : parentElement.chosen === id ? null : parentElement.chosen
      if (on) after((details = describe(of, copied)))
    }
    const turn = () => item.choose(!item.classList.contains("open"))
    item.addEventListener("click", (event) => {
      event.stopPropagation()
      // Who marks words of a text to copy them does not choose it.
      if (String(document.getSelection()) === "") turn()
    })
    item.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation()
        item.classList.add("quiet")
        if (item.classList.contains("open")) { item.choose(false); at.focus() }
      } else if (event.target === item && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault()
        turn()
      }
    })
  }
  const describe = (of, copied) => {
    const box = document.createElement("div")
    box.className = "about"
    box.addEventListener("click", (event) => event.stopPropagation())
    for (const line of of.about) make(box, "p", "", line)
    const go = make(box, "div", "go")
    if (of.leads.length) make(go, "span", "", "Show")
    for (const to of of.leads) press(go, "lead", to.label, () => lead(to)).setAttribute("aria-label", to.title)
    if (copied !== null) press(go, "copy", "Copy", (button) => copy(copied, button)).setAttribute("aria-label", of.copy)
    return box
  }
  const lead = (to) => {
    setTriggerValue("lead", to)
    const until = Date.now() + 10000
    const look = () => {
      const there = to.goal && document.querySelector(`.st-key-${to.goal}`)
      if (there) {
        there.tabIndex = -1
        there.focus({ preventScroll: true })
        there.scrollIntoView({ block: "center" })
      } else if (to.goal && Date.now() < until) setTimeout(look, 80)
    }
    setTimeout(look, 80)
  }
  const copy = copier(live)

  // --- the pieces

  const parted = (parent, tag, text = data.broken.text) => make(make(parent, tag, "break"), "span", "", text)
  const breaksAt = (number) => data.broken && data.broken.span === number
  let broke = !data.broken

  const draw = (piece, place) => {
    if (!broke && data.broken.span <= piece.spans[0]) { parted(list, "li"); broke = true }
    const item = make(list, "li", piece.cached && piece.cached >= piece.tokens ? "piece cached" : "piece")
    paint(item, piece.colour)
    const head = make(item, "button", "head")
    head.type = "button"
    const left = make(head, "span", "source", piece.source)
    chips(left, piece.chips)
    make(head, "span", "size", piece.size)
    told(item, head, piece.why, `why-${place}`)
    head.addEventListener("click", (event) => {
      event.stopPropagation()
      item.choose(!item.classList.contains("open"))
    })
    if (piece.lines) {
      item.classList.add("lines")
      lines(piece, place, item)
      choosable(item, head, (box) => head.after(box), piece, piece.block || null, piece.id)
      return
    }
    const texts = piece.texts.map((text) => {
      if (!broke && breaksAt(text.span)) { parted(item, "div"); broke = true }
      const line = make(item, "div", "text")
      make(line, "span", "role", text.role)
      say(line, text)
      return text
    })
    const whole = texts.length && texts.every((text) => !text.rest)
    const words = texts.length === 1 ? texts[0].text : texts.map((text) => `${text.role}: ${text.text}`).join("\\n\\n")
    choosable(item, head, (box) => item.append(box), piece, whole ? words : null, piece.id)
    join(share(piece, piece.colour), item)
  }

  const lines = (piece, place, item) => {
    piece.lines.forEach((one, row) => {
      if (!broke && breaksAt(piece.spans[0] + row)) { parted(item, "div"); broke = true }
      const line = make(item, "div", one.heading ? "line heading" : "line")
      line.classList.toggle("cached", one.cached >= one.tokens && piece.cached < piece.tokens)
      line.tabIndex = 0
      line.setAttribute("role", "button")
      say(line, one, item)
      chips(line, one.chips)
      told(line, line, one.why, `why-${place}-${row}`)
      choosable(line, line, (box) => line.after(box), one, one.rest ? null : one.text, `${piece.id}.${row}`)
      join(share(one, piece.colour), line)
    })
    if (piece.rest) {
      make(item, "div", "rest", piece.rest.text)
      share(piece.rest, piece.colour)
    }
  }

  // --- what is not drawn: more of it from its end, or a turn by its number

  const gap = (of) => {
    if (of.broken) parted(list, "li", of.broken)
    const part = share(of, "blue")
    part.classList.add("gap")
    const item = make(list, "li", "more")
    paint(item, "blue")
    const button = press(item, "row", undefined, () => ask("more", of.grow, of.grow))
    button.dataset.grow = of.grow
    make(button, "span", "source", of.text)
    make(button, "span", "hint", of.hint)
    make(button, "span", "size", of.size)
    join(part, item)
    if (!of.turns) return
    const [low, high] = of.turns
    const form = make(item, "form", "to")
    const field = make(make(form, "label", "", "Go to turn "), "input", "")
    Object.assign(field, { type: "number", min: low, max: high, required: true, placeholder: `${low}–${high}` })
    make(form, "button", "", "Go").type = "submit"
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      ask("more", Number(field.value), Number(field.value))
    })
  }

  data.pieces.forEach((piece, place) => {
    for (const of of data.gaps) if (of.at === place) gap(of)
    draw(piece, place)
  })

  // --- what was retrieved and not sent

  missed.replaceChildren()
  missed.hidden = !data.missed
  if (data.missed) {
    make(missed, "div", "title", data.missed.title)
    const rows = make(missed, "ol", "")
    for (const row of data.missed.rows) {
      const button = press(make(rows, "li", ""), "", undefined, () => lead(row.lead))
      make(button, "b", "", row.source)
      button.append(` ${row.why}`)
      make(button, "span", "began", row.text)
      button.title = row.lead.title
    }
    if (data.missed.more) make(missed, "div", "rest", data.missed.more)
  }

  // --- what was chosen or had the focus before it was drawn anew

  known.get(parentElement.chosen)?.choose(true)
  const again = parentElement.refocus
  if (typeof again === "number") {
    // A turn that was forgotten has no piece: the next one stands for it.
    const there = data.pieces.find((piece) => piece.turn >= again)
    known.get(there?.id)?.choose(true)
    known.get(there?.id)?.querySelector(".head").focus()
  } else if (again) {
    const at = find(`li.more [data-grow="${again}"]`) ?? known.get(again.split(".")[0])?.querySelector(".head")
    at?.focus()
  }
  parentElement.refocus = null
}
"""
)
