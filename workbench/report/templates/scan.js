// Reading the maps of a scan: which cell is pointed at, and what was measured there.
"use strict";
(function () {
  const scans = JSON.parse(document.getElementById("scans").textContent);

  function digits(size) {
    return size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0;
  }

  function plain(value) {
    if (value === null || value === undefined) return "–";
    return value.toFixed(digits(Math.abs(value))).replace("-", "−");
  }

  function signed(value) {
    if (value === null || value === undefined) return "–";
    const text = plain(value);
    return Number(text.replace("−", "-")) === 0 ? text.replace("−", "") : value > 0 ? `+${text}` : text;
  }

  function range(low, high, write) {
    return low === null || high === null ? "" : ` (95% interval ${write(low)} to ${write(high)})`;
  }

  function share(q) {
    return q === null ? "" : `, q ${q < 0.001 ? "<0.001" : q.toFixed(3)}`;
  }

  function line(text, className) {
    const made = document.createElement("p");
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function combinedLine(scan, row) {
    const all = scan.combined;
    if (all.gain[row] === null) return line("combined: no value");
    return line(
      `combined gain ${signed(all.gain[row])} SD${range(all.low[row], all.high[row], signed)}${share(all.q[row])}`
    );
  }

  function probeLine(probe, row) {
    const over = probe.overflow[row];
    const overflowed = over ? `, ${over} overflowed` : "";
    const gain = `gain ${signed(probe.gain[row])}${range(probe.gainLow[row], probe.gainHigh[row], signed)}${share(probe.q[row])}`;
    if (probe.score[row] === null) {
      return line(`${probe.name}: no score${overflowed}${probe.gain[row] === null ? "" : `; ${gain}`}`);
    }
    return line(
      `${probe.name}: ${probe.metric} ${plain(probe.score[row])}${range(probe.low[row], probe.high[row], plain)}, ` +
        `n = ${probe.n[row] === null ? "–" : probe.n[row]}${overflowed}; ` +
        gain
    );
  }

  function words(scan, kind, of, x, y, row) {
    if (kind === "similarity") {
      const value = (scan.similarity[y] || [])[x];
      return [line(`before layer ${y} and before layer ${x}`, "where"), line(`cosine ${plain(value)}`)];
    }
    const place = kind === "repeats" ? `layer ${x} run ${y + 2} times` : x || y ? `block (${y}, ${x})` : "the base";
    if (row === undefined) {
      const no = kind === "blocks" && y >= x ? "no such block: i is below j" : "not measured";
      return [line(place, "where"), line(no)];
    }
    const extra = scan.extra[row];
    const layers = extra === null ? "" : ` · ${extra} extra ${Math.abs(extra) === 1 ? "layer" : "layers"}`;
    const raced = scan.raced.includes(row) ? " · dropped early" : "";
    const lines = [line(`${scan.paths[row]} · ${place}${layers}${raced}`, "where")];
    if (of < 0) lines.push(combinedLine(scan, row), ...scan.probes.map((probe) => probeLine(probe, row)));
    else lines.push(probeLine(scan.probes[of], row));
    return lines;
  }

  for (const box of document.querySelectorAll("[data-map]")) {
    const scan = scans[Number(box.dataset.scan)];
    const kind = box.dataset.map;
    const of = Number(box.dataset.of);
    const svg = box.querySelector("svg");
    const cursor = svg.querySelector(".cursor");
    const readout = box.closest(".scan-map").querySelector(".readout");
    const tall = Number(box.dataset.tall);
    const columns = svg.viewBox.baseVal.width;
    const rows = svg.viewBox.baseVal.height / tall;
    const measured = new Map((scan[kind] instanceof Array && kind !== "similarity" ? scan[kind] : []).map(
      ([x, y, row]) => [y * columns + x, row]
    ));
    let at = null;

    const read = (x, y) => readout.replaceChildren(...words(scan, kind, of, x, y, measured.get(y * columns + x)));
    const show = (x, y) => {
      at = [Math.min(columns - 1, Math.max(0, x)), Math.min(rows - 1, Math.max(0, y))];
      cursor.setAttribute("x", at[0]);
      cursor.setAttribute("y", at[1] * tall);
      cursor.classList.add("on");
      read(...at);
    };
    const point = (event) => {
      const frame = svg.getBoundingClientRect();
      const x = Math.floor(((event.clientX - frame.left) / frame.width) * columns);
      const y = Math.floor(((event.clientY - frame.top) / frame.height) * rows);
      if (at === null || at[0] !== x || at[1] !== y) show(x, y);
    };
    // What is ringed as best can be read before anything is pointed at.
    if (kind === "blocks") read(Number(box.dataset.x), Number(box.dataset.y));
    box.addEventListener("pointermove", point);
    box.addEventListener("pointerdown", point);
    box.addEventListener("focus", () => {
      if (at === null) show(Number(box.dataset.x || 0), Number(box.dataset.y || 0));
      else cursor.classList.add("on");
    });
    box.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      show((at ? at[0] : 0) + step[0], (at ? at[1] : 0) + step[1]);
    });
    box.addEventListener("pointerleave", () => {
      if (document.activeElement !== box) cursor.classList.remove("on");
    });
  }

  for (const hint of document.querySelectorAll(".needs-script")) hint.hidden = false;
})();
