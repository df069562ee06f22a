/** Line charts as inline SVG. They bring no script and no font, and take their colours from the page's classes. */
import { html } from "hono/html";

/** Markup in which everything that was put in is escaped. */
export type Html = ReturnType<typeof html>;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  /** Sorted by x. A y that is not finite breaks the line. */
  readonly points: readonly Point[];
}

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** At most four, the number of colours in the page's style. */
  readonly series: readonly Series[];
  /** Absent: round numbers. */
  readonly xTicks?: readonly Tick[];
}

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 64;
const RIGHT = 16;
const TOP = 30;
const BOTTOM = 44;
const TICKS = 5;
const LEGEND_STEP = 150;

export function renderChart(chart: Chart): Html {
  const points = chart.series.flatMap((series) => series.points.filter(isFinitePoint));
  const highest = Math.max(0, ...points.map(({ y }) => y));
  const yTicks = roundTicks(0, highest > 0 ? highest : 1);
  const xs = points.map(({ x }) => x);
  const xFrom = xs.length === 0 ? 0 : Math.min(...xs);
  const xTo = Math.max(xFrom + 1e-9, ...xs);
  const xTicks = chart.xTicks ?? roundTicks(xFrom, xTo).filter(({ at }) => at <= xTo);
  const yTo = yTicks.at(-1)?.at ?? 1;
  const place: Place = {
    x: (x) => LEFT + ((x - xFrom) / (xTo - xFrom)) * (WIDTH - LEFT - RIGHT),
    y: (y) => HEIGHT - BOTTOM - (y / yTo) * (HEIGHT - TOP - BOTTOM),
  };
  return html`<figure><figcaption>${chart.title}</figcaption>
<div class="scrolls"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${chart.title}">
${chart.series.map(renderLegend)}
${yTicks.map((tick) => renderYTick(tick, place))}
${xTicks.map((tick) => renderXTick(tick, place))}
<text class="label" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${chart.xLabel}</text>
<text class="label" x="${LEFT - 8}" y="${TOP - 12}" text-anchor="end">${chart.yLabel}</text>
${chart.series.map((series, index) => renderLine(series, index, place))}
</svg></div></figure>`;
}

interface Place {
  x(x: number): number;
  y(y: number): number;
}

function renderLegend({ name }: Series, index: number): Html {
  const x = LEFT + 8 + index * LEGEND_STEP;
  return html`<path class="line s${index}" d="M${x} 14h18"/><text class="label" x="${x + 24}" y="18">${name}</text>`;
}

function renderYTick({ at, label }: Tick, place: Place): Html {
  const y = round(place.y(at));
  return html`<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/><text class="tick" x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${label}</text>`;
}

function renderXTick({ at, label }: Tick, place: Place): Html {
  const x = round(place.x(at));
  return html`<path class="grid" d="M${x} ${TOP}V${HEIGHT - BOTTOM}"/><text class="tick" x="${x}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${label}</text>`;
}

/** A single point is shown too, by the round ends of its line. */
function renderLine({ points }: Series, index: number, place: Place): Html {
  let path = "";
  let isDrawing = false;
  for (const point of points) {
    const isShown = isFinitePoint(point);
    if (isShown) {
      const at = `${round(place.x(point.x))} ${round(place.y(point.y))}`;
      path += isDrawing ? `L${at}` : `M${at}h0`;
    }
    isDrawing = isShown;
  }
  return html`<path class="line s${index}" d="${path}"/>`;
}

/** Ticks at 1, 2 or 5 times a power of ten, the last one at or above `to`. */
export function roundTicks(from: number, to: number): Tick[] {
  const rough = (to - from) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const ticks: Tick[] = [];
  for (let index = Math.ceil(from / step - 1e-9); ; index++) {
    const at = index * step + 0; // never -0
    const label = at.toLocaleString("en-US", { maximumFractionDigits: digits });
    ticks.push({ at, label });
    if (at >= to - step * 1e-9) return ticks;
  }
}

function isFinitePoint({ x, y }: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

/** To a tenth of a pixel, which nobody can see. */
function round(number: number): number {
  return Math.round(number * 10) / 10;
}
