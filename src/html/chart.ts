/** Charts of pages: lines over time as inline SVG with a table of the same numbers, and bars within a table. They need no script and no style attribute. */
import { lazy } from '../lib/lazy.ts'
import { type Said } from '../lib/say.ts'
import { defer, defineView, type Html } from './view.ts'

export interface Series {
  name: Said | string
  /** One for each time. */
  values: readonly number[]
}

/** The inner size of a chart in units of its viewBox, and the room for the numbers beside and below it. */
const plot = { width: 384, height: 150, left: 48, top: 12, bottom: 26 }
/** More lines than this no reader tells apart; the table has all of them. */
const mostLines = 4

const figure = defineView(
  'chart',
  `<figure class="chart"><figcaption>{{title}}</figcaption>
<svg viewBox="0 0 440 190" role="img" aria-label="{{label}}" direction="ltr">{{grid}}{{lines}}{{times}}</svg>
<ul class="chart_legend">{{legend}}</ul>
<details><summary>{{t chart.as_table}}</summary><div class="table_scroll" tabindex="0" role="region" aria-label="{{label}}"><table><thead><tr><th scope="col">{{t chart.time}}</th>{{heads}}</tr></thead><tbody>{{rows}}</tbody></table></div></details></figure>`,
  ['title', 'label', 'grid', 'lines', 'times', 'legend', 'heads', 'rows'],
)
const gridLine = defineView(
  'chart_grid',
  '<path class="chart_grid" d="M48 {{y}}H432"/><text class="chart_text" x="42" y="{{textY}}" text-anchor="end">{{text}}</text>',
  ['y', 'textY', 'text'],
)
const line = defineView(
  'chart_line',
  '<polyline class="chart_line series_{{n}}" points="{{points}}" vector-effect="non-scaling-stroke"/>',
  ['n', 'points'],
)
const timeText = defineView(
  'chart_time',
  '<text class="chart_text" x="{{x}}" y="184" text-anchor="{{anchor}}">{{text}}</text>',
  ['x', 'anchor', 'text'],
)
const legendItem = defineView(
  'chart_legend_item',
  '<li><svg width="24" height="10" viewBox="0 0 24 10" aria-hidden="true"><path class="chart_line series_{{n}}" d="M0 5H24"/></svg><span>{{name}}</span></li>',
  ['n', 'name'],
)
const head = defineView('chart_head', '<th scope="col" class="number">{{name}}</th>', ['name'])
const row = defineView('chart_row', '<tr><th scope="row">{{time}}</th>{{cells}}</tr>', ['time', 'cells'])
const cell = defineView('chart_cell', '<td class="number">{{value}}</td>', ['value'])
const moment = defineView('chart_moment', '{{text}}', ['text'])

/** The smallest of 1, 2, 5, 10, 20 ... that is not below `most`, so that the numbers of the grid are round. */
export function roundTop(most: number): number {
  if (!(most > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(most))
  const top = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= most)
  return top ?? most
}

const x = (at: number, count: number): number =>
  plot.left + (count < 2 ? plot.width / 2 : (at * plot.width) / (count - 1))
const y = (value: number, top: number): number => plot.top + plot.height * (1 - value / top)

const place = (value: number): string => value.toFixed(1)

const formats = new Map<string, Intl.NumberFormat>()
function numberText(tag: string, value: number): string {
  let format = formats.get(tag)
  if (format === undefined)
    formats.set(tag, (format = new Intl.NumberFormat(tag, { maximumFractionDigits: 2 })))
  return format.format(value)
}

const numberView = defineView('chart_number', '{{text}}', ['text'])
/** A number in the writing of the reader's language. */
export const formattedNumber = (value: number): Html =>
  defer(({ words: { tag } }) => numberView({ text: numberText(tag, value) }))

const timeFormat = (tag: string, step: 'hour' | 'day') =>
  lazy(
    () =>
      new Intl.DateTimeFormat(tag, {
        timeZone: 'UTC',
        ...(step === 'day'
          ? { day: 'numeric', month: 'short' }
          : { weekday: 'short', hour: '2-digit', minute: '2-digit' }),
      }),
  )

/**
 * Lines over time. `times` are milliseconds, ascending, shown in UTC; `step` says how far apart they are. Values that are
 * not finite or below zero are drawn as zero. The first four series are drawn; the table has all of them.
 */
export const lineChart = (view: {
  title: Said
  times: readonly number[]
  step: 'hour' | 'day'
  series: readonly Series[]
}): Html =>
  defer(({ words: { tag } }) => {
    const { title, times, step } = view
    const series = view.series.map(({ name, values }) => ({
      name,
      values: times.map((_, at) => Math.max(0, Number.isFinite(values[at]) ? values[at]! : 0)),
    }))
    const drawn = series.slice(0, mostLines)
    const top = roundTop(drawn.reduce((most, { values }) => values.reduce((a, b) => Math.max(a, b), most), 0))
    const format = timeFormat(tag, step)
    const timeOf = (at: number) => moment({ text: `${format().format(times[at])} UTC` })
    const marks = [...new Set([0, Math.floor((times.length - 1) / 2), times.length - 1])].filter(
      (at) => at >= 0,
    )
    return figure({
      title,
      label: title,
      grid: [0, 0.5, 1].map((part) =>
        gridLine({
          y: place(y(top * part, top)),
          textY: place(y(top * part, top) + 4),
          text: numberText(tag, top * part),
        }),
      ),
      lines: drawn.map(({ values }, n) =>
        line({
          n: `${n + 1}`,
          points: values
            .map((value, at) => `${place(x(at, times.length))},${place(y(value, top))}`)
            .join(' '),
        }),
      ),
      times: marks.map((at, index) =>
        timeText({
          x: place(x(at, times.length)),
          anchor: marks.length === 1 ? 'middle' : (['start', 'middle', 'end'] as const)[index]!,
          text: format().format(times[at]),
        }),
      ),
      legend: drawn.map(({ name }, n) => legendItem({ n: `${n + 1}`, name })),
      heads: series.map(({ name }) => head({ name })),
      rows: times.map((_, at) =>
        row({
          time: timeOf(at),
          cells: series.map(({ values }) => cell({ value: numberText(tag, values[at]!) })),
        }),
      ),
    })
  })

const barTable = defineView(
  'chart_bars',
  '<figure class="chart"><figcaption id="{{id}}">{{title}}</figcaption><table class="bars" aria-labelledby="{{id}}"><tbody>{{rows}}</tbody></table></figure>',
  ['id', 'title', 'rows'],
)
const bar = defineView(
  'chart_bar',
  '<tr><th scope="row"><bdi>{{name}}</bdi></th><td><svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="{{width}}" height="10" rx="1"/></svg></td><td class="number">{{value}}</td></tr>',
  ['name', 'width', 'value'],
)

export interface Bar {
  name: Said | string | Html
  value: number
}

/** Bars within a table, so that the numbers are beside them. `id` is that of the caption, one of its own on the page. */
export const barChart = (view: { id: string; title: Said; bars: readonly Bar[] }): Html =>
  defer(({ words: { tag } }) => {
    const most = view.bars.reduce((a, { value }) => Math.max(a, value), 0)
    return barTable({
      id: view.id,
      title: view.title,
      rows: view.bars.map(({ name, value }) =>
        bar({
          name,
          width: place(most > 0 ? (100 * Math.max(0, value)) / most : 0),
          value: numberText(tag, value),
        }),
      ),
    })
  })
