/** Web applications with a server in JavaScript: Express, Hono and Next.js. https://www.rfc-editor.org/rfc/rfc6749#section-4.1 */
import expressApp from '../../../kits/express/app.js.tmpl' with { type: 'text' }
import expressPackage from '../../../kits/express/package.json.tmpl' with { type: 'text' }
import honoApp from '../../../kits/hono/app.js.tmpl' with { type: 'text' }
import honoPackage from '../../../kits/hono/package.json.tmpl' with { type: 'text' }
import nextAuth from '../../../kits/next/auth.js.tmpl' with { type: 'text' }
import nextLayout from '../../../kits/next/layout.jsx.tmpl' with { type: 'text' }
import nextPackage from '../../../kits/next/package.json.tmpl' with { type: 'text' }
import nextPage from '../../../kits/next/page.jsx.tmpl' with { type: 'text' }
import nextRoute from '../../../kits/next/route.js.tmpl' with { type: 'text' }
import nextSettings from '../../../kits/next/settings.js.tmpl' with { type: 'text' }
import nextSignIn from '../../../kits/next/sign_in.jsx.tmpl' with { type: 'text' }
import nextSignOut from '../../../kits/next/sign_out.js.tmpl' with { type: 'text' }
import page from '../../../kits/node/page.js.tmpl' with { type: 'text' }
import settings from '../../../kits/node/settings.js.tmpl' with { type: 'text' }
import { defineApplication, onLoopback, onLoopbackAt } from '../application.ts'
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

export const next = defineApplication({
  kind: 'next',
  title: 'Next.js with Auth.js',
  methods: anyMethod,
  redirect: onLoopbackAt('http://localhost:3000/api/auth/callback/latchkey'),
  run: [
    'export NEXTAUTH_SECRET="$(openssl rand -base64 32)"',
    'export NEXTAUTH_URL=@@redirect_origin@@ PORT=@@redirect_port@@',
    'npm install',
    'npm run dev',
  ],
  rows: [
    ['package.json', nextPackage],
    ['auth.js', nextAuth],
    ['settings.js', nextSettings, 'js'],
    ['app/layout.jsx', nextLayout],
    ['app/page.jsx', nextPage],
    ['app/sign_in.jsx', nextSignIn],
    ['app/sign-out/route.js', nextSignOut],
    ['app/api/auth/[...nextauth]/route.js', nextRoute],
  ],
})
