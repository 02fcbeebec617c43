"use strict";
// What the pages share: the data that Python left for the script, elements, the sign that all is drawn.
const data = JSON.parse(document.getElementById("data").textContent);

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function ready() {
  const root = document.documentElement;
  root.dataset.scrollWidth = root.scrollWidth;
  root.dataset.clientWidth = root.clientWidth;
  root.dataset.ready = "yes";
}
