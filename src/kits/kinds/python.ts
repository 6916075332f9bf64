/** Web applications in Python with Authlib: Flask, FastAPI and Django. https://docs.authlib.org */
import djangoApp from '../../../kits/django/app.py.tmpl' with { type: 'text' }
import djangoRequirements from '../../../kits/django/requirements.txt.tmpl' with { type: 'text' }
import fastapiApp from '../../../kits/fastapi/app.py.tmpl' with { type: 'text' }
import fastapiRequirements from '../../../kits/fastapi/requirements.txt.tmpl' with { type: 'text' }
import flaskApp from '../../../kits/flask/app.py.tmpl' with { type: 'text' }
import flaskRequirements from '../../../kits/flask/requirements.txt.tmpl' with { type: 'text' }
import pages from '../../../kits/python/pages.py.tmpl' with { type: 'text' }
import settings from '../../../kits/python/settings.py.tmpl' with { type: 'text' }
import { defineApplication, onLoopback } from '../application.ts'
import { anyMethod, type Kit } from '../kit.ts'

const inPython = (kind: string, title: string, app: string, requirements: string): Kit =>
  defineApplication({
    kind,
    title,
    methods: anyMethod,
    redirect: onLoopback('http://localhost:8000/callback'),
    run: ['python3 -m venv .venv', '.venv/bin/pip install -r requirements.txt', '.venv/bin/python app.py'],
    rows: [
      ['requirements.txt', requirements],
      ['app.py', app],
      ['pages.py', pages],
      ['settings.py', settings, 'python'],
    ],
  })

export const flask = inPython('flask', 'Flask', flaskApp, flaskRequirements)
export const fastapi = inPython('fastapi', 'FastAPI', fastapiApp, fastapiRequirements)
export const django = inPython('django', 'Django', djangoApp, djangoRequirements)
