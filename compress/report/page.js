"use strict";

/* Each plot has its figure in a script of its own. */
const plots = [...document.querySelectorAll(".plot")].map((plot) =>
  [plot, document.getElementById(plot.dataset.figure).textContent]);

/* A figure, with every colour name (--front) as the colour it has in the present theme. */
function themed(source) {
  const style = getComputedStyle(document.documentElement);
  return JSON.parse(source, (key, value) =>
    typeof value === "string" && /^--[a-z]+$/.test(value) ? style.getPropertyValue(value).trim() : value);
}

function draw() {
  for (const [plot, source] of plots) {
    const { data, layout } = themed(source);
    Plotly.react(plot, data, layout, { responsive: true, displayModeBar: false });
  }
}

for (const [plot] of plots) plot.textContent = "";
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

function compare(a, b) {
  const x = a.dataset.key, y = b.dataset.key;
  return x !== undefined && y !== undefined
    ? Number(x.replace("inf", "Infinity")) - Number(y.replace("inf", "Infinity"))
    : a.textContent.localeCompare(b.textContent, undefined, { numeric: true });
}

function sort(table, index, head) {
  const down = head.getAttribute("aria-sort") === "ascending";
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => (down ? -1 : 1) * compare(a.cells[index], b.cells[index]));
  table.tBodies[0].append(...rows);
  table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    if (table.tBodies[0].rows[0]?.cells[index].classList.contains("number")) head.classList.add("number");
    head.firstElementChild.addEventListener("click", () => sort(table, index, head));
  });
}
