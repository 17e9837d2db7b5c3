"use strict";
// The filters, their state in the address, the grid of what they leave, and the arrow keys in it. The page is whole without.
(() => {
	const RANK = ["pass", "refused", "not-observable", "blocked", "fail", "timeout", "crash", "error"];
	const LETTER = ["P", "R", "N", "B", "F", "T", "C", "E"];
	const UNTRIED = ["refused", "not-observable", "blocked"];
	const form = document.getElementById("filter");
	const status = form.querySelector("output");
	const heat = document.querySelector(".heat");
	const all = (selector, of = document) => [...of.querySelectorAll(selector)];
	const drivers = new Map(all("tr[data-key]").map((row) => [row.dataset.key, row.dataset.driver]));

	// A cell is a row; one with more to say is shown in full in that row, or in an article elsewhere.
	const cells = all("#cells tbody tr").map((row) => {
		const full = row.querySelector("a.full");
		const id = full ? full.hash.slice(1) : row.id || row.querySelector("[id]").id;
		const keys = id.split(".").slice(2);
		const verdict = row.cells[1].className;
		const pair = row.closest(".pair").id.slice("pair:".length).split(":");
		return {
			row,
			keys,
			verdict,
			pairs: pairsOf(pair, keys, verdict),
			unwanted: row.classList.contains("unwanted"),
			area: id.slice(0, id.indexOf(".")),
			page: full && document.getElementById(id).closest(".cell"),
			text: `${id} ${row.textContent} ${full ? document.getElementById(id).textContent : ""}`.toLowerCase(),
		};
	});

	// A chain counts for both its importers, but for neither where it could not be tried.
	function pairsOf([exporter, importer], keys, verdict) {
		if (keys.length < 3) return [`${exporter}:${importer}`];
		if (UNTRIED.includes(verdict)) return [];
		return [...new Set([importer, keys[2]])].map((key) => `${exporter}:${key}`);
	}

	function wanted() {
		const data = new FormData(form);
		return {
			area: data.get("area"),
			driver: data.get("driver"),
			text: data.get("text").trim().toLowerCase(),
			verdicts: data.getAll("verdict"),
			unwanted: data.has("unwanted"),
		};
	}

	function fits(cell, filter) {
		return (
			(!filter.area || cell.area === filter.area) &&
			(!filter.driver || cell.keys.some((key) => drivers.get(key) === filter.driver)) &&
			(!filter.verdicts.length || filter.verdicts.includes(cell.verdict)) &&
			(!filter.unwanted || cell.unwanted) &&
			cell.text.includes(filter.text)
		);
	}

	function apply() {
		const filter = wanted();
		const pairs = new Map();
		let shown = 0;
		for (const cell of cells) {
			const fit = fits(cell, filter);
			cell.row.hidden = !fit;
			if (cell.page) cell.page.hidden = !fit;
			if (!fit) continue;
			shown += 1;
			for (const pair of cell.pairs) count(pairs, pair, cell);
		}
		for (const group of all(".pair, .group")) {
			group.hidden = !group.querySelector("tbody tr:not([hidden]), .cell:not([hidden])");
		}
		if (heat) paint(pairs);
		status.value = shown === cells.length ? `All ${shown} cells` : `${shown} of ${cells.length} cells`;
	}

	function count(pairs, pair, cell) {
		if (!pairs.has(pair)) pairs.set(pair, { counts: RANK.map(() => 0), unwanted: -1 });
		const of = pairs.get(pair);
		const rank = RANK.indexOf(cell.verdict);
		of.counts[rank] += 1;
		if (cell.unwanted) of.unwanted = Math.max(of.unwanted, rank);
	}

	// As standing.rs has it: the class, the sign and the words of a pair.
	function standing({ counts, unwanted }) {
		const worst = counts.findLastIndex((count) => count > 0);
		const all = counts.reduce((sum, count) => sum + count, 0);
		const verified = counts[0] + counts[4];
		if (unwanted === 0) return ["pass unwanted", "P", "unexpected pass"];
		if (unwanted > 0) return [`${RANK[unwanted]} unwanted`, LETTER[unwanted], `${RANK[unwanted]}, not as expected`];
		const small = LETTER[worst].toLowerCase();
		if (worst >= 4) return [`${RANK[worst]} known`, small, `known ${RANK[worst]}`];
		if (!verified) return [RANK[worst], small, `${RANK[worst]}, nothing verified`];
		if (verified * 10 >= all * 9) return ["pass verified", "#", "verified"];
		if (verified * 2 >= all) return ["pass mostly", "+", "half or more verified"];
		return ["pass partly", "·", "less than half verified"];
	}

	function paint(pairs) {
		for (const link of all("td a", heat)) {
			const pair = pairs.get(decodeURIComponent(link.hash).slice("#pair:".length));
			const [kind, sign, how] = pair ? standing(pair) : ["none", "", ""];
			const told = pair ? pair.counts.flatMap((count, rank) => (count ? [`${count} ${RANK[rank]}`] : [])) : [];
			const words = pair ? `${how}: ${told.join(", ")}` : "no cell here";
			link.parentElement.className = kind;
			link.textContent = sign;
			link.title = words;
			link.setAttribute("aria-label", words);
		}
	}

	// The filters are the query of the address, so that a link shows the same cells; the fragment stays for a cell.
	function remember() {
		const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
		const address = new URL(location.href);
		address.search = query.toString();
		history.replaceState(null, "", address);
	}

	function recall() {
		const query = new URLSearchParams(location.search);
		for (const field of form.elements) {
			if (field.type === "checkbox") field.checked = query.getAll(field.name).includes(field.value);
			else if (field.name && query.has(field.name)) field.value = query.get(field.name);
		}
	}

	// Browsers open what a link leads into; older ones do not.
	function reveal() {
		const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
		const closed = target?.closest("details:not([open])");
		if (closed) closed.open = true;
		if (target?.closest("[hidden]")) {
			form.reset();
			update();
		}
		if (target) target.scrollIntoView();
	}

	function update() {
		apply();
		remember();
	}

	// One stop of the tab key for the whole grid; the arrow keys go on from there.
	function roam() {
		const links = all("td a", heat);
		links.forEach((link, number) => (link.tabIndex = number ? -1 : 0));
		heat.addEventListener("focusin", ({ target }) => {
			if (target.matches("td a")) links.forEach((link) => (link.tabIndex = link === target ? 0 : -1));
		});
		heat.addEventListener("keydown", (event) => {
			const next = neighbour(event.target.closest("td"), event.key);
			if (!next) return;
			event.preventDefault();
			next.focus();
		});
	}

	function neighbour(from, key) {
		const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key] ?? [0, 0];
		if (!from || (!down && !right)) return null;
		const rows = heat.tBodies[0].rows;
		let [row, column] = [from.parentElement.sectionRowIndex + down, from.cellIndex + right];
		for (; rows[row]?.cells[column]; row += down, column += right) {
			const link = rows[row].cells[column].querySelector("a");
			if (link) return link;
		}
		return null;
	}

	form.hidden = false;
	for (const hint of all(".scripted")) hint.hidden = false;
	recall();
	apply();
	if (heat) roam();
	form.addEventListener("input", update);
	form.querySelector("button").addEventListener("click", () => {
		form.reset();
		update();
	});
	form.addEventListener("submit", (event) => event.preventDefault());
	addEventListener("hashchange", reveal);
	addEventListener("beforeprint", () => all("details.cell").forEach((cell) => (cell.open = true)));
	if (location.hash) reveal();
})();
