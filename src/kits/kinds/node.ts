/** Web applications with a server in JavaScript: Express and Hono. https://www.rfc-editor.org/rfc/rfc6749#section-4.1 */
import expressApp from '../../../kits/express/app.js.tmpl' with { type: 'text' }
import expressPackage from '../../../kits/express/package.json.tmpl' with { type: 'text' }
import honoApp from '../../../kits/hono/app.js.tmpl' with { type: 'text' }
import honoPackage from '../../../kits/hono/package.json.tmpl' with { type: 'text' }
import page from '../../../kits/node/page.js.tmpl' with { type: 'text' }
import settings from '../../../kits/node/settings.js.tmpl' with { type: 'text' }
import { defineApplication, onLoopback } from '../application.ts'
import { anyMethod } from '../kit.ts'

const redirect = onLoopback('http://localhost:3000/callback')
const run = ['npm install', 'npm start']

export const express = defineApplication({
  kind: 'express',
  title: 'Express',
  methods: anyMethod,
  redirect,
  run,
  rows: [
    ['package.json', expressPackage],
    ['app.js', expressApp],
    ['page.js', page],
    ['settings.js', settings, 'js'],
  ],
})

export const hono = defineApplication({
  kind: 'hono',
  title: 'Hono',
  methods: ['client_secret_basic'],
  redirect,
  run,
  rows: [
    ['package.json', honoPackage],
    ['app.js', honoApp],
    ['page.js', page],
    ['settings.js', settings, 'js'],
  ],
})
