/** Applications in the browser, without a secret: React, Vue, Svelte, Angular, and one without a build. https://datatracker.ietf.org/doc/html/draft-ietf-oauth-browser-based-apps */
import angularApp from '../../../kits/angular/app.ts.tmpl' with { type: 'text' }
import angularIndex from '../../../kits/angular/index.html.tmpl' with { type: 'text' }
import angularMain from '../../../kits/angular/main.ts.tmpl' with { type: 'text' }
import angularPackage from '../../../kits/angular/package.json.tmpl' with { type: 'text' }
import angularSettings from '../../../kits/angular/settings.ts.tmpl' with { type: 'text' }
import angularTypes from '../../../kits/angular/tsconfig.json.tmpl' with { type: 'text' }
import angularWorkspace from '../../../kits/angular/angular.json.tmpl' with { type: 'text' }
import browserApp from '../../../kits/browser/app.js.tmpl' with { type: 'text' }
import browserIndex from '../../../kits/browser/index.html.tmpl' with { type: 'text' }
import browserPackage from '../../../kits/browser/package.json.tmpl' with { type: 'text' }
import browserServe from '../../../kits/browser/serve.js.tmpl' with { type: 'text' }
import reactApp from '../../../kits/react/app.jsx.tmpl' with { type: 'text' }
import reactIndex from '../../../kits/react/index.html.tmpl' with { type: 'text' }
import reactMain from '../../../kits/react/main.jsx.tmpl' with { type: 'text' }
import reactPackage from '../../../kits/react/package.json.tmpl' with { type: 'text' }
import reactVite from '../../../kits/react/vite.config.js.tmpl' with { type: 'text' }
import index from '../../../kits/single_page/index.html.tmpl' with { type: 'text' }
import session from '../../../kits/single_page/session.js.tmpl' with { type: 'text' }
import settings from '../../../kits/single_page/settings.js.tmpl' with { type: 'text' }
import svelteApp from '../../../kits/svelte/App.svelte.tmpl' with { type: 'text' }
import svelteMain from '../../../kits/svelte/main.js.tmpl' with { type: 'text' }
import sveltePackage from '../../../kits/svelte/package.json.tmpl' with { type: 'text' }
import svelteVite from '../../../kits/svelte/vite.config.js.tmpl' with { type: 'text' }
import vueApp from '../../../kits/vue/App.vue.tmpl' with { type: 'text' }
import vueMain from '../../../kits/vue/main.js.tmpl' with { type: 'text' }
import vuePackage from '../../../kits/vue/package.json.tmpl' with { type: 'text' }
import vueVite from '../../../kits/vue/vite.config.js.tmpl' with { type: 'text' }
import { defineApplication, onLoopback } from '../application.ts'

const methods = ['none'] as const
/** The port of Vite. */
const redirect = onLoopback('http://localhost:5173/callback')
const run = ['npm install', 'npm run dev']

export const react = defineApplication({
  kind: 'react',
  title: 'React',
  methods,
  redirect,
  run,
  rows: [
    ['package.json', reactPackage],
    ['vite.config.js', reactVite],
    ['index.html', reactIndex],
    ['src/main.jsx', reactMain],
    ['src/app.jsx', reactApp],
    ['src/settings.js', settings, 'js'],
  ],
})

export const vue = defineApplication({
  kind: 'vue',
  title: 'Vue',
  methods,
  redirect,
  run,
  rows: [
    ['package.json', vuePackage],
    ['vite.config.js', vueVite],
    ['index.html', index],
    ['src/main.js', vueMain],
    ['src/App.vue', vueApp],
    ['src/session.js', session],
    ['src/settings.js', settings, 'js'],
  ],
})

export const svelte = defineApplication({
  kind: 'svelte',
  title: 'Svelte',
  methods,
  redirect,
  run,
  rows: [
    ['package.json', sveltePackage],
    ['vite.config.js', svelteVite],
    ['index.html', index],
    ['src/main.js', svelteMain],
    ['src/App.svelte', svelteApp],
    ['src/session.js', session],
    ['src/settings.js', settings, 'js'],
  ],
})

export const angular = defineApplication({
  kind: 'angular',
  title: 'Angular',
  methods,
  redirect: onLoopback('http://localhost:4200/callback'),
  run: ['npm install', 'npm start -- --host @@redirect_host@@ --port @@redirect_port@@'],
  rows: [
    ['package.json', angularPackage],
    ['angular.json', angularWorkspace],
    ['tsconfig.json', angularTypes],
    ['src/index.html', angularIndex],
    ['src/main.ts', angularMain],
    ['src/app.ts', angularApp],
    ['src/settings.ts', angularSettings, 'js'],
  ],
})

export const browser = defineApplication({
  kind: 'browser',
  title: 'Browser without a build',
  methods,
  redirect: onLoopback('http://localhost:8000/callback'),
  run: ['npm install', 'npm start'],
  rows: [
    ['package.json', browserPackage],
    ['serve.js', browserServe],
    ['index.html', browserIndex],
    ['app.js', browserApp],
    ['session.js', session],
    ['settings.js', settings, 'js'],
  ],
})
