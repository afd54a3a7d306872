'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const points = data.points;
  const many = points.length > 40;
  const charts = [];
  let printing = false;

  const group3 = s => s.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
  const whole = n => group3(String(Math.round(n)));
  const short = n => {
    const a = Math.abs(n);
    for (const [size, unit] of [[1e12, ' T'], [1e9, ' G'], [1e6, ' M'], [1e3, ' k']]) {
      if (a >= size) return +(n / size).toPrecision(3) + unit;
    }
    return String(+n.toPrecision(3));
  };
  const seconds = s => s >= 100 ? s.toFixed(0) + ' s' : s >= 1 ? s.toFixed(2) + ' s' : (1000 * s).toPrecision(3) + ' ms';
  const escaped = s => String(s).replace(/[&<>"]/g, c => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[c]);

  const palette = () => dark.matches && !printing
    ? {ink: '#e8ebef', soft: '#9aa5b3', line: '#303843', card: '#1b2027', blue: '#6db5f2', orange: '#f0a94a', green: '#4fc59a',
        red: '#ff8a80', violet: '#c9a0dc', grey: '#6f7a88', set: ['#6db5f2', '#f0a94a', '#4fc59a', '#c9a0dc', '#e6d06c', '#8ad4e0']}
    : {ink: '#1a1f27', soft: '#5b6573', line: '#dfe3e8', card: '#ffffff', blue: '#0b62a8', orange: '#d97a00', green: '#00856a',
        red: '#b3261e', violet: '#8250a0', grey: '#9aa3ad', set: ['#0b62a8', '#d97a00', '#00856a', '#8250a0', '#a58a00', '#2f96a8']};

  const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
  const base = c => ({
    animation: false,
    textStyle: {fontFamily: font, color: c.ink},
    grid: {left: 8, right: 14, top: 34, bottom: 8, containLabel: true},
    tooltip: {trigger: 'axis', confine: true, backgroundColor: c.card, borderColor: c.line, textStyle: {color: c.ink, fontSize: 13}},
    legend: {top: 0, left: 0, itemWidth: 14, itemHeight: 9, itemGap: 14, textStyle: {color: c.soft, fontSize: 12}},
  });
  const value = (c, more) => ({type: 'value', axisLabel: {color: c.soft, fontSize: 11}, axisLine: {show: false}, axisTick: {show: false},
    splitLine: {lineStyle: {color: c.line}}, ...more});
  const category = (c, names, more) => ({type: 'category', data: names, axisLabel: {color: c.soft, fontSize: 11, hideOverlap: true},
    axisLine: {lineStyle: {color: c.line}}, axisTick: {show: false}, ...more});
  const names = points.map(p => p.n);
  const title = i => (data.single ? 'block ' : '') + escaped(points[i].n);
  const row = (mark, name, text) => `<div>${mark}${name} <b style="float:right;margin-left:18px">${text}</b></div>`;

  const over = (series, format, axis) => (c, narrow) => ({
    ...base(c),
    tooltip: {...base(c).tooltip, formatter: ps => title(ps[0].dataIndex) + ps.map(p => row(p.marker, p.seriesName, format(p.value))).join('')},
    xAxis: category(c, names, {name: data.single && !narrow ? 'block' : '', nameTextStyle: {color: c.soft}, nameLocation: 'middle', nameGap: 26}),
    yAxis: value(c, {scale: true, axisLabel: {color: c.soft, fontSize: 11, formatter: v => format(v)}, ...axis}),
    series: series.map(s => ({
      type: s.bar ? 'bar' : 'line', name: s.name, data: points.map(s.of), barMaxWidth: 26, stack: s.stack, connectNulls: false,
      lineStyle: {width: data.single ? 1.5 : 0}, showSymbol: !data.single || !many, symbol: s.symbol || 'circle',
      symbolSize: many ? 5 : 7, itemStyle: {color: c[s.color]}, sampling: points.length > 2000 ? 'lttb' : undefined,
      ...(data.single ? {} : {showSymbol: true, showAllSymbol: true}),
    })),
  });

  const percent = v => v === null || v === undefined ? '–' : +(100 * v).toPrecision(3) + ' %';
  const drawn = {
    waterfall: (c, narrow) => {
      let top = 0;
      const steps = data.waterfall.map((s, i) => {
        if (s.keep) { top = s.bits; return {...s, from: 0, size: s.bits}; }
        top -= s.bits;
        return {...s, from: Math.max(0, top), size: s.bits};
      });
      const first = steps[0].size || 1;
      const label = s => short(s.bits) + (narrow ? '' : '  ' + (100 * s.bits / first).toPrecision(3) + ' %');
      return {
        ...base(c),
        grid: {left: 8, right: narrow ? 62 : 110, top: 6, bottom: 4, containLabel: true},
        legend: {show: false},
        tooltip: {...base(c).tooltip, axisPointer: {type: 'shadow'}, formatter: ps => {
          const s = steps[ps[0].dataIndex];
          return `<b>${escaped(s.name)}</b><br>${whole(s.bits)} bits<br><span style="color:${c.soft}">${escaped(s.why)}</span>`;
        }},
        xAxis: value(c, {axisLabel: {color: c.soft, fontSize: 11, formatter: short}, splitNumber: narrow ? 3 : 5}),
        yAxis: category(c, steps.map(s => s.name), {inverse: true, axisLabel: {color: c.ink, fontSize: 12}}),
        series: [
          {type: 'bar', stack: 'w', silent: true, itemStyle: {color: 'transparent'}, data: steps.map(s => s.from)},
          {type: 'bar', stack: 'w', barWidth: '62%', data: steps.map((s, i) => ({value: s.size, itemStyle: {borderRadius: 2,
            color: i === steps.length - 1 ? c.green : s.keep ? c.blue : c.orange}})),
            label: {show: true, position: 'right', color: c.ink, fontSize: 12, formatter: p => (steps[p.dataIndex].keep ? '' : '− ') + label(steps[p.dataIndex])}},
        ],
      };
    },
    stages: (c, narrow) => ({
      ...base(c),
      grid: {left: 8, right: narrow ? 66 : 120, top: 6, bottom: 4, containLabel: true},
      legend: {show: false},
      tooltip: {show: false},
      xAxis: value(c, {axisLabel: {color: c.soft, fontSize: 11, formatter: v => v === 0 ? '0' : v >= 1 ? +v.toPrecision(3) + ' s' : +(1000 * v).toPrecision(3) + ' ms'}, splitNumber: 3}),
      yAxis: category(c, data.stages.map(s => s.name), {inverse: true, axisLabel: {color: c.ink, fontSize: 12}}),
      series: [{type: 'bar', barWidth: '58%', itemStyle: {color: c.blue, borderRadius: 2}, data: data.stages.map(s => s.seconds),
        label: {show: true, position: 'right', color: c.ink, fontSize: 12, formatter: p => {
          const s = data.stages[p.dataIndex];
          return seconds(s.seconds) + (narrow || !s.mbps ? '' : '  ' + short(s.mbps * 1e6) + 'b/s');
        }}}],
    }),
    leakage: (c, narrow) => ({
      ...base(c),
      grid: {left: 8, right: narrow ? 62 : 110, top: 6, bottom: 4, containLabel: true},
      legend: {show: false},
      tooltip: {show: false},
      xAxis: value(c, {axisLabel: {color: c.soft, fontSize: 11, formatter: short}, splitNumber: 3}),
      yAxis: category(c, data.leakage.map(s => s.name), {inverse: true, axisLabel: {color: c.ink, fontSize: 12}}),
      series: [{type: 'bar', barWidth: '58%', itemStyle: {color: c.orange, borderRadius: 2}, data: data.leakage.map(s => s.bits),
        label: {show: true, position: 'right', color: c.ink, fontSize: 12, formatter: p => short(data.leakage[p.dataIndex].bits)}}],
    }),
    qber: over([
      {name: 'key basis Z', of: p => p.q, color: 'blue'},
      {name: 'test basis X', of: p => p.t, color: 'orange', symbol: 'emptyCircle'},
    ], percent),
    efficiency: over([{name: 'f', of: p => p.f, color: 'green'}], v => v === null || v === undefined ? '–' : (+v).toFixed(3)),
    frames: over([
      {name: 'more than one attempt', of: p => p.fr ? p.l / p.fr : null, color: 'blue', bar: true},
      {name: 'given up', of: p => p.fr ? p.gu / p.fr : null, color: 'red', bar: true},
    ], percent, {scale: false, min: 0, minInterval: .001}),
    keys: (c, narrow) => {
      const groups = [...new Set(points.map(p => p.g))];
      const order = points.map((_, i) => i).sort((a, b) => groups.indexOf(points[a].g) - groups.indexOf(points[b].g) || points[b].s - points[a].s);
      return {
        ...base(c),
        legend: groups.length > 1 ? base(c).legend : {show: false},
        tooltip: {...base(c).tooltip, axisPointer: {type: 'shadow'}, formatter: ps => {
          const p = points[order[ps[0].dataIndex]];
          return `<b>${escaped(p.n)}</b>` + row('', 'secret bits', whole(p.s)) + row('', 'of key-basis bits', whole(p.k))
            + row('', 'QBER', percent(p.q)) + (p.w ? `<div style="color:${c.red}">${escaped(p.w)}</div>` : '');
        }},
        xAxis: category(c, order.map(i => points[i].n)),
        yAxis: value(c, {axisLabel: {color: c.soft, fontSize: 11, formatter: short}}),
        series: groups.map((g, k) => ({
          type: 'bar', name: g || 'links', barMaxWidth: 30, barCategoryGap: many ? '12%' : '30%', barGap: '-100%', itemStyle: {color: c.set[k % c.set.length]},
          data: order.map(i => points[i].g === g ? points[i].s : null),
        })),
      };
    },
  };

  const draw = () => {
    const c = palette();
    for (const {chart, element} of charts) {
      chart.setOption(drawn[element.dataset.chart](c, element.clientWidth < 480), {notMerge: true});
      // So that a page of another width, as in print, scales the drawing.
      const svg = element.querySelector('svg');
      if (svg) svg.setAttribute('viewBox', `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
    }
  };
  for (const element of document.querySelectorAll('[data-chart]')) {
    charts.push({element, chart: echarts.init(element, null, {renderer: 'svg'})});
  }
  draw();
  let timer = 0;
  addEventListener('resize', () => {
    clearTimeout(timer);
    timer = setTimeout(() => { charts.forEach(({chart}) => chart.resize()); draw(); }, 80);
  });
  dark.addEventListener('change', draw);
  addEventListener('beforeprint', () => {
    printing = true;
    charts.forEach(({chart, element}) => chart.resize({width: element.closest('.wide') ? 690 : 335, height: element.classList.contains('tall') ? 250 : 200}));
    draw();
  });
  addEventListener('afterprint', () => {
    printing = false;
    charts.forEach(({chart}) => chart.resize({width: 'auto', height: 'auto'}));
    draw();
  });
  document.documentElement.dataset.drawn = charts.length;
  document.documentElement.dataset.milliseconds = Math.round(performance.now());
})();
