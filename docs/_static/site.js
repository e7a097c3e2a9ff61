// What is wider than its place is scrolled by keyboard as well; parts of a page have names.
function nameWideParts() {
  for (const part of document.querySelectorAll(".table-wrapper, .highlight pre")) {
    if (part.scrollWidth <= part.clientWidth) continue;
    part.tabIndex = 0;
    part.setAttribute("role", "group");
    part.setAttribute("aria-label", part.matches("pre") ? "Code" : "Table");
  }
}
for (const [part, name] of [[".sidebar-drawer", "Site"], [".toc-drawer", "This page"]]) document.querySelector(part)?.setAttribute("aria-label", name);
nameWideParts();
addEventListener("resize", nameWideParts);
