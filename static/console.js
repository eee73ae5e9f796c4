/* What Unfold leaves out for people who cannot see icons or use a mouse. */
(() => {
  "use strict";
  const words = document.documentElement.lang.startsWith("zh")
    ? { close: "关闭", sidebar: "侧边栏", menu: "菜单", home: "首页", theme: "主题", search: "搜索", tabs: "分页", scroll: "可滚动内容" }
    : { close: "Close", sidebar: "Sidebar", menu: "Menu", home: "Home", theme: "Theme", search: "Search", tabs: "Tabs", scroll: "scrollable content" };

  const press = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.currentTarget.click();
  };
  const asButton = (element, name) => {
    if (!element || element.dataset.csDone) return;
    element.dataset.csDone = "1";
    element.setAttribute("role", "button");
    element.setAttribute("tabindex", "0");
    if (name) element.setAttribute("aria-label", name);
    element.addEventListener("keydown", press);
  };

  const hasWords = (element) => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll(".material-symbols-outlined, [aria-hidden=true]").forEach((icon) => icon.remove());
    return copy.textContent.trim() !== "" || copy.querySelector("img[alt]") !== null;
  };

  const repair = (root) => {
    root.querySelectorAll(".material-symbols-outlined:not([role])").forEach((icon) => {
      if (icon.getAttribute("x-on:click") || icon.hasAttribute("@click")) {
        asButton(icon, icon.textContent.trim() === "close" ? words.close : words.sidebar);
      } else {
        icon.setAttribute("aria-hidden", "true");
      }
    });
    root.querySelectorAll("a:not([href])").forEach((link) => {
      const opensTheme = (link.getAttribute("x-on:click") || "").includes("Theme");
      asButton(link, hasWords(link) ? "" : opensTheme ? words.theme : words.menu);
    });
    root.querySelectorAll("div[x-on\\:click], h2[x-on\\:click]").forEach((element) => {
      if (element.querySelector("a, button, input, select, textarea, form, [role=button]")) return;
      asButton(element, hasWords(element) ? "" : words.menu);
    });
    root.querySelectorAll("button, a[href]").forEach((control) => {
      if (control.getAttribute("aria-label") || hasWords(control)) return;
      const home = control.matches("a") && control.closest("#nav-sidebar-inner");
      const search = control.id === "searchbar-submit" || control.id === "command-submit";
      control.setAttribute("aria-label", control.title || (home ? words.home : search ? words.search : words.menu));
    });
    root.querySelectorAll("ul.object-tools > :not(li)").forEach((tool) => {
      const item = document.createElement("li");
      tool.replaceWith(item);
      item.append(tool);
    });
    root.querySelectorAll(".select2-container [role=textbox], .select2-container [role=combobox]").forEach((box) => {
      if (!box.getAttribute("aria-label")) box.setAttribute("aria-label", box.textContent.trim() || words.search);
    });
    root.querySelectorAll(".select2-search__field:not([aria-label])").forEach((field) => {
      const picked = field.closest(".select2-container")?.previousElementSibling;
      field.setAttribute("aria-label", picked?.labels?.[0]?.textContent.trim() || words.search);
    });
    root.querySelectorAll("td input:not([type=hidden]), td select, td textarea").forEach((field) => {
      if (field.getAttribute("aria-label") || field.labels.length) return;
      const cell = field.closest("td");
      const head = cell.closest("table").querySelectorAll("thead th")[cell.cellIndex];
      const name = cell.dataset.label || (head && head.textContent.trim()) || field.title || field.name;
      field.setAttribute("aria-label", name);
    });
    root.querySelectorAll("span.help-tooltip").forEach((help) => help.setAttribute("role", "img"));
    root.querySelectorAll("#searchbar").forEach((box) => box.setAttribute("aria-label", box.placeholder));
    root.querySelectorAll("#nav-sidebar-inner").forEach((nav) => nav.setAttribute("aria-label", words.sidebar));
    root.querySelectorAll("[data-simplebar]").forEach((box) => box.setAttribute("data-simplebar-aria-label", words.scroll));
    root.querySelectorAll(".simplebar-content-wrapper").forEach((box) => box.setAttribute("aria-label", words.scroll));
    root.querySelectorAll("#tabs-items").forEach((nav) => nav.setAttribute("aria-label", words.tabs));
    root.querySelectorAll("#tabs-dropdown").forEach((nav) => nav.setAttribute("aria-label", words.menu));
  };

  let opener = null;
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    const modal = document.getElementById("modal-content");
    if (close && modal && modal.contains(close)) {
      event.preventDefault();
      window.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    }
    const link = event.target.closest("[hx-target='#modal-content']");
    if (link) opener = link;
  }, true);
  document.addEventListener("htmx:afterSettle", (event) => {
    repair(event.target);
    const modal = document.getElementById("modal-content");
    // A dialog that has come, or come back refused; not a part of one, such as its effect.
    if (modal && (event.target === modal || event.target.id === "dialog")) {
      const field = modal.querySelector("input:not([type=hidden]), textarea, select, a, button");
      setTimeout(() => (field || modal).focus(), 50);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opener) {
      opener.focus();
      opener = null;
      return;
    }
    const modal = document.getElementById("modal-content");
    if (event.key !== "Tab" || !modal || !modal.offsetParent) return;
    const fields = [...modal.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")]
      .filter((field) => field.offsetParent);
    if (!fields.length) return;
    const [first, last] = [fields[0], fields[fields.length - 1]];
    if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
    else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
  });
  document.addEventListener("DOMContentLoaded", () => {
    repair(document);
    // Pages load Select2 twice, and the copy in use does not know the language file.
    const select2 = window.django && window.django.jQuery && window.django.jQuery.fn.select2;
    if (!select2 || !document.documentElement.lang.startsWith("zh")) return;
    try {
      select2.defaults.set("language", select2.amd.require("select2/i18n/zh-CN"));
    } catch { /* The page has no search box. */ }
  });
  window.addEventListener("load", () => setTimeout(() => repair(document), 0));

  // The panel of filters is fetched when somebody reaches for its button, and its
  // calendars and selects are woken: they wake by themselves with the page alone.
  window.addEventListener("load", () => {
    const panel = document.getElementById("filter-panel");
    const button = document.querySelector("[x-on\\:click='filterOpen = true']");
    if (!panel || !button) return;
    const reach = () => {
      if (panel.querySelector("form") || panel.classList.contains("htmx-request")) return;
      window.htmx.trigger(panel, "reach");
    };
    ["pointerenter", "focus", "click"].forEach((event) => button.addEventListener(event, reach));
    if (panel.offsetParent) reach();
    panel.addEventListener("htmx:afterSwap", () => {
      if (!panel.querySelector("form")) { window.location.reload(); return; } // Signed out meanwhile.
      const $ = window.django.jQuery;
      $(".unfold-admin-autocomplete", panel).djangoCustomSelect2();
      $(".unfold-filter-autocomplete", panel).djangoFilterSelect2();
      if (window.DateTimeShortcuts) window.DateTimeShortcuts.init();
    });
    const fail = () => { panel.firstElementChild.textContent = panel.dataset.failed; };
    ["htmx:responseError", "htmx:sendError"].forEach((event) => panel.addEventListener(event, fail));
  });
})();
