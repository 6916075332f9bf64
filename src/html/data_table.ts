/** Tables of records on pages: a form that filters, columns that sort, links to the next page. Complete without JavaScript. */
import { type Said, say } from '../lib/say.ts'
import { icon } from './page_parts.ts'
import { defineView, type Html, type ViewValue } from './view.ts'

/** Query parameters of the page, without those that are empty. */
export type Query = Readonly<Record<string, string | undefined>>

/** The path with the query parameters that have a value. */
export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((each): each is [string, string] => !!each[1])
  return given.length ? `${path}?${new URLSearchParams(given)}` : path
}

export interface Column<Row> {
  title: Said
  /** The name of the order that a click on the title asks for. */
  sort?: string
  /** Numbers stand at the end of their column. */
  number?: true
  cell(row: Row): ViewValue
}

const table = defineView(
  'data_table',
  '<div class="table_scroll" tabindex="0" role="region" aria-label="{{label}}"><table class="data"><thead><tr>{{heads}}</tr></thead><tbody>{{rows}}</tbody></table></div>',
  ['label', 'heads', 'rows'],
)
const plainHead = defineView('data_head', '<th scope="col" class="{{kind}}">{{title}}</th>', [
  'kind',
  'title',
])
const sortHead = defineView(
  'data_sort',
  '<th scope="col" class="{{kind}}" aria-sort="{{state}}"><a href="{{url}}">{{title}}{{icon}}</a></th>',
  ['kind', 'state', 'url', 'title', 'icon'],
)
const row = defineView('data_row', '<tr>{{cells}}</tr>', ['cells'])
const firstCell = defineView('data_name', '<th scope="row"><bdi>{{value}}</bdi></th>', ['value'])
const cell = defineView(
  'data_cell',
  '<td class="{{kind}}" data-title="{{title}}"><bdi>{{value}}</bdi></td>',
  ['kind', 'title', 'value'],
)
const listView = defineView(
  'data_list',
  '<div class="data_list" data-part="{{part}}">{{table}}{{pager}}</div>',
  ['part', 'table', 'pager'],
)
const empty = defineView('data_empty', '<p class="muted data_empty">{{text}}</p>', ['text'])
const pager = defineView('data_pager', '<nav class="pager" aria-label="{{t table.pages}}">{{links}}</nav>', [
  'links',
])
const pageLink = defineView('data_page', '<a class="button" rel="{{rel}}" href="{{url}}">{{text}}</a>', [
  'rel',
  'url',
  'text',
])

/** The order that is in force, `-name` when descending. */
const headOf = <Row>(column: Column<Row>, path: string, query: Query): Html => {
  const kind = column.number ? 'number' : ''
  if (column.sort === undefined) return plainHead({ kind, title: column.title })
  const down = query.sort === `-${column.sort}`
  const up = query.sort === column.sort
  return sortHead({
    kind,
    state: down ? 'descending' : up ? 'ascending' : 'none',
    url: withQuery(path, { ...query, cursor: undefined, sort: up ? `-${column.sort}` : column.sort }),
    title: column.title,
    icon: down ? icon('chevron-down') : up ? icon('chevron-up') : [],
  })
}

/**
 * `path` is that of the page with the base path, `query` the filters and the order in force, `next` the cursor of the
 * following page. The first column names the row. A link back to the first page stands beside that to the next.
 */
export function dataTable<Row>(view: {
  label: Said
  /** A name of its own on the page. Default: that of the only table. */
  part?: string
  path: string
  query: Query
  columns: readonly [Column<Row>, ...Column<Row>[]]
  rows: readonly Row[]
  next?: string | undefined
  empty: Said
}): Html {
  const { path, query, columns, next } = view
  const links = [
    ...(query.cursor
      ? [
          pageLink({
            rel: 'first',
            url: withQuery(path, { ...query, cursor: undefined }),
            text: say('table.first'),
          }),
        ]
      : []),
    ...(next !== undefined
      ? [pageLink({ rel: 'next', url: withQuery(path, { ...query, cursor: next }), text: say('table.next') })]
      : []),
  ]
  return listView({
    part: view.part ?? 'list',
    table: view.rows.length
      ? table({
          label: view.label,
          heads: columns.map((column) => headOf(column, path, query)),
          rows: view.rows.map((each) => rowOf(columns, each)),
        })
      : empty({ text: view.empty }),
    pager: links.length ? pager({ links }) : [],
  })
}

const rowOf = <Row>(columns: readonly Column<Row>[], each: Row): Html =>
  row({
    cells: columns.map((column, at) =>
      at === 0
        ? firstCell({ value: column.cell(each) })
        : cell({ kind: column.number ? 'number' : '', title: column.title, value: column.cell(each) }),
    ),
  })

const filterForm = defineView(
  'filter_form',
  '<form class="filters" method="get" action="{{action}}" role="search">{{fields}}<button class="primary" type="submit">{{t table.filter}}</button></form>',
  ['action', 'fields'],
)
const textFilter = defineView(
  'filter_text',
  '<p><label for="{{name}}">{{label}}</label><input type="search" id="{{name}}" name="{{name}}" value="{{value}}" autocomplete="off" spellcheck="false" maxlength="200"></p>',
  ['name', 'label', 'value'],
)
const choiceFilter = defineView(
  'filter_choice',
  '<p><label for="{{name}}">{{label}}</label><select id="{{name}}" name="{{name}}">{{options}}</select></p>',
  ['name', 'label', 'options'],
)
const option = defineView('filter_option', '<option value="{{value}}" {{selected}}>{{text}}</option>', [
  'value',
  'selected',
  'text',
])

export type Filter = { name: string; label: Said } & (
  { kind: 'text' } | { kind: 'choice'; options: readonly { value: string; text: Said | string }[] }
)

/** A GET form: the filters are in the address of the page, so that it can be sent to a colleague. */
export const filters = (view: { action: string; query: Query; filters: readonly Filter[] }): Html =>
  filterForm({
    action: view.action,
    fields: view.filters.map((filter) => {
      const value = view.query[filter.name] ?? ''
      return filter.kind === 'text'
        ? textFilter({ name: filter.name, label: filter.label, value })
        : choiceFilter({
            name: filter.name,
            label: filter.label,
            options: [{ value: '', text: say('table.all') }, ...filter.options].map((each) =>
              option({ ...each, selected: each.value === value ? 'selected' : '' }),
            ),
          })
    }),
  })
