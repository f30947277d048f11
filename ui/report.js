(function () {
  "use strict";
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var config = {displaylogo: false, responsive: true, showSendToCloud: false, showEditInChartStudio: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d"]};
  function colours() {
    var style = getComputedStyle(document.documentElement);
    return {text: style.getPropertyValue("--text").trim(), page: style.getPropertyValue("--page").trim()};
  }
  function paint() {
    var now = colours();
    document.querySelectorAll(".plot").forEach(function (place) {
      if (place.data) { Plotly.relayout(place, {"font.color": now.text, "hoverlabel.bgcolor": now.page,
        "hoverlabel.font.color": now.text}); }
    });
  }
  document.querySelectorAll(".plot").forEach(function (place) {
    var figure = figures[Number(place.dataset.figure)];
    var now = colours();
    figure.layout.font.color = now.text;
    figure.layout.title.text = "";  // the heading above says it
    figure.layout.margin.t = 30;
    figure.layout.height = Math.max(figure.layout.height - 40, 150);
    figure.layout.hoverlabel = {bgcolor: now.page, font: {color: now.text}};
    place.style.minHeight = figure.layout.height + "px";
    Plotly.newPlot(place, figure.data, figure.layout, config);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.dataset.was = part.open ? "1" : ""; part.open = true; });
    paint();
  });
  window.addEventListener("afterprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = part.dataset.was === "1"; });
    paint();
  });
})();
