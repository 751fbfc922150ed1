// Charts of a simulation.  Tooltips are drawn as text on the canvas: no HTML is made of names.
(() => {
  // A colour of the style sheet as the canvas understands it, whatever it is mixed of.
  const styleOf = (name) => {
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const shown = document.createElement("span");
    shown.style.color = `var(${name})`;
    document.body.append(shown);
    probe.fillStyle = getComputedStyle(shown).color;
    shown.remove();
    probe.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = probe.getImageData(0, 0, 1, 1).data;
    return `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
  };
  const format = new Intl.NumberFormat(document.documentElement.lang);
  const told = (value) => format.format(value);

  const common = () => ({
    animation: false,
    textStyle: { fontFamily: "inherit", color: styleOf("--tblr-body-color") },
    color: [styleOf("--hub-chart-1"), styleOf("--hub-chart-2")],
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, valueFormatter: told, axisPointer: { type: "shadow" } },
    grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
  });
  const axis = (names) => ({
    type: "category",
    data: names,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: styleOf("--tblr-border-color") } },
    axisLabel: { color: styleOf("--tblr-secondary"), overflow: "truncate", width: 110, hideOverlap: true },
  });
  const numbers = () => ({
    type: "value",
    minInterval: 1,
    splitLine: { lineStyle: { color: styleOf("--tblr-border-color") } },
    axisLabel: { color: styleOf("--tblr-secondary"), hideOverlap: true, formatter: told },
  });
  const kinds = {
    columns: (figures) => ({
      ...common(),
      legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 12, textStyle: { color: styleOf("--tblr-body-color") } },
      xAxis: axis(figures.names),
      yAxis: numbers(),
      series: figures.series.map((one) => ({
        type: "bar", name: one.name, data: one.values, barMaxWidth: 40, barGap: "10%",
        itemStyle: { borderRadius: [3, 3, 0, 0] },
      })),
    }),
    bars: (figures) => ({
      ...common(),
      grid: { left: 8, right: 24, top: 8, bottom: 8, containLabel: true },
      xAxis: numbers(),
      yAxis: { ...axis(figures.names), inverse: true },
      series: [{
        type: "bar", barMaxWidth: 28,
        data: figures.values.map((value, at) => ({
          value, itemStyle: { color: styleOf(at ? "--hub-chart-3" : "--hub-chart-1"), borderRadius: [0, 3, 3, 0] },
        })),
      }],
    }),
  };

  const drawn = new Map();
  const draw = () => {
    for (const place of document.querySelectorAll("[data-chart]")) {
      if (!drawn.has(place)) {
        drawn.set(place, window.echarts.init(place));
      }
      drawn.get(place).setOption(kinds[place.dataset.chart](JSON.parse(place.dataset.figures)), true);
    }
  };
  const fit = () => drawn.forEach((chart) => chart.resize());
  draw();
  window.addEventListener("resize", fit);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => window.setTimeout(draw));
  document.addEventListener("htmx:after:swap", draw);
})();
