"use strict";
// Shows the part of the page that the address names behind its #:
// maps?sort=relative&warned=any   map-56   class-4   compare-4-9   layer-Conv2D_1
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const overview = one("#overview"), page = one("#page"), form = one("form"), list = one("#cards");
  const templates = new Map(all("template[data-route]").map(each => [each.dataset.route, each]));
  const cards = all("li", list), byIndex = new Map(cards.map(card => [card.dataset.index, card]));
  const title = document.title;

  // pictures -------------------------------------------------------------
  const read = id => JSON.parse(one("#" + id).textContent);
  let pictures = null;
  const address = key => {
    const shown = document.getElementById("picture-" + key);
    if (shown) return shown.src;
    pictures ??= read("pictures");
    return pictures[key];
  };
  const fill = root => {
    for (const each of all("[data-picture]", root)) each.setAttribute(each.localName === "image" ? "href" : "src", address(each.dataset.picture));
    for (const each of all("[data-card]", root)) each.prepend(cardOf(each.dataset.card));
  };
  const cardOf = index => {
    const copy = one(".card", byIndex.get(index)).cloneNode(true);
    for (const each of all("[id]", copy)) each.removeAttribute("id");
    return copy;
  };

  // the overview ---------------------------------------------------------
  const ALL = {sort: "index", order: "up", class: "", verdict: "", warned: "", selectivity: "0", relative: "0"};
  // data without labels have no fields of classes
  const START = Object.fromEntries(Object.entries(ALL).filter(([key]) => form.elements[key]));
  const verdicts = all("option", form.elements.verdict).map(option => option.value);
  const value = (card, key) => {
    const text = card.dataset[key];
    if (key === "verdict") return verdicts.indexOf(text);
    if (key === "warned") return text ? text.split(" ").length : 0;
    return text === "" || (key === "class" && text === "-1") ? NaN : Number(text);
  };
  const fits = (card, wanted) => {
    const {dataset} = card, rules = dataset.warned ? dataset.warned.split(" ") : [], every = [...rules, ...dataset.general.split(" ")];
    return (!wanted.class || dataset.class === wanted.class)
      && (!wanted.verdict || dataset.verdict === wanted.verdict)
      && (!wanted.warned || (wanted.warned === "any" ? rules.length > 0 : wanted.warned === "none" ? rules.length === 0 : every.includes(wanted.warned)))
      && ["selectivity", "relative"].every(key => !(Number(wanted[key]) > 0) || value(card, key) >= Number(wanted[key]));
  };
  // what has no OIP comes last, before it what has no such number; equal ones by number
  const compare = (a, b, {sort, order}) => {
    const empty = ("empty" in a.dataset) - ("empty" in b.dataset);
    if (empty) return empty;
    const [x, y] = [value(a, sort), value(b, sort)], missing = isNaN(x) - isNaN(y);
    if (missing) return missing;
    return (isNaN(x) ? 0 : order === "down" ? y - x : x - y) || a.dataset.index - b.dataset.index;
  };
  const arrange = query => {
    const asked = new URLSearchParams(query), wanted = {};
    for (const key of Object.keys(START)) {
      wanted[key] = asked.get(key) ?? START[key];
      form.elements[key].value = wanted[key];
      wanted[key] = form.elements[key].value || START[key];
    }
    for (const output of all("output", form)) output.textContent = Number(form.elements[one("input", output.closest(".field")).name].value);
    list.append(...[...cards].sort((a, b) => compare(a, b, wanted)));
    for (const card of cards) card.hidden = !fits(card, wanted);
    const count = cards.filter(card => !card.hidden).length;
    one(".count").textContent = count === cards.length ? `all ${count} shown` : `${count} of ${cards.length} shown`;
    one(".nothing").hidden = count > 0;
  };
  const wished = () => {
    const changed = Object.keys(START).filter(key => form.elements[key].value !== START[key]);
    return new URLSearchParams(changed.map(key => [key, form.elements[key].value])).toString();
  };
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("input", () => arrange(filters = wished()));
  // not at every move of a slider, which browsers would take for an attack
  form.addEventListener("change", () => { arrange(filters = wished()); visit("#maps" + (filters && "?" + filters), "replaceState"); });
  const reset = () => { visit("#maps", "replaceState"); show(false); };
  form.addEventListener("reset", event => { event.preventDefault(); reset(); });
  one(".reset").addEventListener("click", () => { reset(); one("select", form).focus(); });
  form.hidden = false;

  // two classes ----------------------------------------------------------
  let differences = null;
  const element = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const fillComparison = (first, second) => {
    differences ??= read("comparisons");
    const selects = ["first", "second"].map(side => one("#" + side, page));
    [first, second].forEach((label, side) => { selects[side].value = label; });
    const names = selects.map(select => select.selectedOptions[0]?.textContent ?? "?");
    const turned = Number(first) > Number(second);
    const found = differences[turned ? `${second}-${first}` : `${first}-${second}`] ?? [[], []];
    one("#same", page).hidden = first !== second;
    one("h1", page).textContent = `What tells ${names[0]} from ${names[1]}`;
    ["first", "second"].forEach((side, number) => {
      one(`[data-name=${side}]`, page).textContent = names[number];
      const rows = found[turned ? 1 - number : number];
      const items = rows.map(([index, effect, ...means]) => {
        if (turned) means.reverse();
        const duo = [first, second].map((label, which) => {
          const key = `pattern-${label}-${index}`, src = address(key), text = means[which];
          const line = element("span", {className: "faint"}, element("b", {className: "clip"}, names[which]), text);
          line.dataset.term = "activation";
          return element("span", {}, ...(src ? [element("img", {className: "pixels", src, alt: `Mean pattern for ${names[which]}`})] : []), line);
        });
        const size = element("span", {}, `d = ${effect}`);
        size.dataset.term = "effect";
        return element("li", {}, cardOf(String(index)), element("span", {className: "extra"}, size, element("span", {className: "duo"}, ...duo)));
      });
      const target = one(`[data-list=${side}]`, page);
      target.replaceChildren(...items);
      target.nextElementSibling.hidden = items.length > 0;
    });
  };
  page.addEventListener("change", event => {
    if (event.target.matches("#first, #second")) follow(`#compare-${one("#first", page).value}-${one("#second", page).value}`);
  });

  // which part is shown --------------------------------------------------
  const decoded = text => { try { return decodeURIComponent(text); } catch { return ""; } };
  // What is shown. The address follows it and not the other way round: in the frame that MLflow shows this file in,
  // whose address is a blob: of another origin, links to a part of the page lead nowhere.
  let here = location.hash;
  const visit = (address, how) => {
    here = address;
    try { history[how](null, "", address); } catch { /* a frame without a history of its own */ }
  };
  const parse = () => {
    const [, raw, query] = here.match(/^#?([^?]*)\??(.*)$/s), route = decoded(raw);
    const pair = route.match(/^compare-(\d+)-(\d+)$/);
    if (pair && templates.has("compare")) return {route: "compare", pair: pair.slice(1), query: ""};
    return templates.has(route) ? {route, query: ""} : {route: "maps", query: route === "maps" ? query : ""};
  };
  const scrolled = new Map();
  let shown = null, followed = false, filters = "";
  const turn = direction => {
    const order = all("li", list).filter(card => !card.hidden), at = order.findIndex(card => `map-${card.dataset.index}` === shown);
    return at < 0 ? null : `#map-${order[(at + direction + order.length) % order.length].dataset.index}`;
  };
  const show = first => {
    const {route, pair, query} = parse(), same = route === shown;
    hide();
    if (route === "maps") {
      filters = query;
      arrange(query);
    }
    if (!same) {
      const left = shown;
      shown = route;
      overview.hidden = route !== "maps";
      page.hidden = route === "maps";
      page.replaceChildren();
      if (route !== "maps") {
        const copy = document.importNode(templates.get(route).content, true);
        fill(copy);
        page.append(copy);
        for (const [rel, direction] of [["prev", -1], ["next", 1]]) {
          const link = one(`.turn [rel=${rel}]`, page), to = turn(direction);
          if (link && to) link.setAttribute("href", to);
        }
        const up = one(".turn .up", page);
        if (up && filters) up.setAttribute("href", "#maps?" + filters);
      }
      if (pair) fillComparison(...pair);
      if (!first) {
        // back in the history to where one was, forward along a link to the top
        const link = !followed && left ? one(`main a[href="#${CSS.escape(left)}"]`) : null;
        (link && link.offsetParent ? link : one("h1", route === "maps" ? overview : page)).focus({preventScroll: true});
        scrollTo({top: followed ? 0 : scrolled.get(here) ?? 0, behavior: "instant"});
      }
    } else if (pair) fillComparison(...pair);
    followed = false;
    const heading = one("h1", route === "maps" ? overview : page);
    document.title = route === "maps" ? title : `${heading.textContent.replace(/\s+/g, " ").trim()} – ${title}`;
    for (const link of all("nav a")) {
      const current = link.getAttribute("href").slice(1) === (route === "maps" ? "maps" : encodedRoute(route));
      current ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
    }
  };
  const encodedRoute = route => all("nav a").map(link => link.getAttribute("href").slice(1)).find(href => decoded(href) === route);
  const moved = () => {
    if (here === location.hash) return;
    scrolled.set(here, scrollY);
    here = location.hash;
    show(false);
  };
  addEventListener("popstate", moved);
  addEventListener("hashchange", moved);
  if ("scrollRestoration" in history) history.scrollRestoration = "manual";
  const follow = address => {
    followed = true;
    scrolled.set(here, scrollY);
    visit(address, "pushState");
    show(false);
  };
  document.addEventListener("click", event => {
    const link = event.target.closest("a[href^='#']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.matches(".skip")) one("#main").focus();
    else if (link.getAttribute("href") !== here) follow(link.getAttribute("href"));
  });
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") return hide();
    const direction = {ArrowLeft: "prev", ArrowRight: "next"}[event.key];
    if (!direction || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.target.matches("input, select, textarea")) return;
    one(`.turn [rel=${direction}]`, page)?.click();
  });

  // explanations ---------------------------------------------------------
  const tip = one("#tip");
  let owner = null, waiting = 0;
  const hide = () => { clearTimeout(waiting); tip.hidden = true; owner = null; };
  const explain = target => {
    clearTimeout(waiting);
    if (owner === target) return;
    owner = target;
    tip.textContent = target.dataset.tip ?? one("#term-" + target.dataset.term).textContent;
    tip.hidden = false;
    const box = target.getBoundingClientRect(), {offsetWidth: width, offsetHeight: height} = tip, room = document.documentElement.clientWidth;
    const above = box.bottom + height + 12 > innerHeight && box.top > height + 12;
    tip.style.left = `${scrollX + Math.max(8, Math.min(box.left, room - width - 8))}px`;
    tip.style.top = `${scrollY + (above ? box.top - height - 6 : box.bottom + 6)}px`;
  };
  const explained = event => event.target instanceof Element ? event.target.closest("[data-term], [data-tip]") : null;
  const leave = () => { clearTimeout(waiting); waiting = setTimeout(hide, 150); };
  document.addEventListener("pointerover", event => {
    // a finger explains by a tap, not by passing over
    if (event.pointerType !== "mouse") return;
    if (event.target === tip) return clearTimeout(waiting);
    const target = explained(event);
    if (!target) return owner && owner !== document.activeElement ? leave() : undefined;
    clearTimeout(waiting);
    // a picture that is only passed over says nothing
    waiting = setTimeout(explain, 250, target);
  });
  document.addEventListener("focusin", event => { const target = explained(event); target?.matches(":focus-visible") ? explain(target) : hide(); });
  document.addEventListener("click", event => { const target = explained(event); target && !target.matches("a") ? explain(target) : hide(); });

  show(true);
})();
