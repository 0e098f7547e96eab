// The browser of single items. Everything from the run is put in as text, never as markup.
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("samples").textContent);
  const browser = document.getElementById("browser");
  const form = browser.querySelector("form");
  const body = browser.querySelector("tbody");
  const tally = document.getElementById("tally");
  const parentHead = document.getElementById("parent-head");
  const { output, task, against, show } = form.elements;

  function label(index) {
    const entry = data.outputs[index];
    return entry.seed === null ? entry.name : `${entry.name} (seed ${entry.seed})`;
  }

  function fill(select, pairs) {
    select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
    select.disabled = pairs.length === 0;
  }

  function fillParents() {
    const parents = data.outputs[Number(output.value)].parents;
    fill(against, parents.map((index) => [index, label(index)]));
    for (const option of show.options) {
      option.disabled = parents.length === 0 && ["changed", "gained", "lost"].includes(option.value);
    }
    if (show.selectedOptions[0].disabled) show.value = "all";
  }

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function answerCell(answer, title, rightOrWrong) {
    const cell = element("td", "answer");
    cell.dataset.label = title;
    if (!answer) {
      cell.append(element("span", "muted", "not scored"));
      return cell;
    }
    const [text, score] = answer;
    if (rightOrWrong && (score === 0 || score === 1)) {
      const sign = element("span", score ? "sign right" : "sign wrong", score ? "✓" : "✗");
      sign.title = score ? "right" : "wrong";
      sign.setAttribute("role", "img");
      sign.setAttribute("aria-label", sign.title);
      cell.append(sign);
    } else if (score !== null) {
      cell.append(element("span", "sign", score.toPrecision(3)));
    }
    cell.append(text ? text : element("span", "muted", "(empty)"));
    return cell;
  }

  function wanted(own, other) {
    const mine = own ? own[1] : null;
    const theirs = other ? other[1] : null;
    const both = mine !== null && theirs !== null;
    if (show.value === "changed") return both && mine !== theirs;
    if (show.value === "gained") return both && mine > theirs;
    if (show.value === "lost") return both && mine < theirs;
    if (show.value === "wrong") return mine !== null && mine < 1;
    return true;
  }

  function draw() {
    const chosen = data.tasks[Number(task.value)];
    const parent = against.value === "" ? null : against.value;
    parentHead.textContent = parent === null ? "" : `answer of ${label(Number(parent))}`;
    const rows = [];
    for (const item of chosen.items) {
      const own = item.answers[output.value];
      const other = parent === null ? undefined : item.answers[parent];
      if (!wanted(own, other)) continue;
      const row = element("tr", own && other && own[1] !== other[1] ? "turned" : "");
      const head = element("th", "", item.id);
      head.scope = "row";
      if (item.question !== null) head.append(element("span", "question", item.question));
      const target = element("td", "answer", item.target === null ? "" : item.target);
      target.dataset.label = "target:";
      row.append(head, target, answerCell(own, "answer:", chosen.rightOrWrong));
      row.append(
        parent === null ? element("td") : answerCell(other, `${label(Number(parent))}:`, chosen.rightOrWrong)
      );
      rows.push(row);
    }
    body.replaceChildren(...rows);
    tally.textContent =
      chosen.shown === chosen.all
        ? `${rows.length} of ${chosen.all} items.`
        : `${rows.length} of the ${chosen.shown} items kept on this page, out of ${chosen.all}. Kept first: ` +
          `the ${chosen.changed} on which some output and a parent of it score differently. All are in samples.parquet.`;
  }

  fill(output, data.outputs.map((_, index) => [index, label(index)]));
  fill(task, data.tasks.map((each, index) => [index, each.name]));
  const firstMade = data.outputs.findIndex((entry) => entry.parents.length > 0);
  if (firstMade >= 0) output.value = String(firstMade);
  fillParents();
  output.addEventListener("change", fillParents);
  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  browser.hidden = false;
  draw();
})();
