/** Web servers that sign End-Users in before an application: nginx with oauth2-proxy, Apache with mod_auth_openidc. */
import apacheSite from '../../../kits/apache/latchkey.conf.tmpl' with { type: 'text' }
import nginxProxy from '../../../kits/nginx/oauth2-proxy.cfg.tmpl' with { type: 'text' }
import nginxSite from '../../../kits/nginx/nginx.conf.tmpl' with { type: 'text' }
import { defineApplication, onWeb } from '../application.ts'

export const nginx = defineApplication({
  kind: 'nginx',
  title: 'nginx with oauth2-proxy',
  methods: ['client_secret_basic'],
  redirect: onWeb('https://reports.example.com/oauth2/callback', '/oauth2/callback'),
  run: [
    'export OAUTH2_PROXY_CLIENT_SECRET="$CLIENT_SECRET"',
    "export OAUTH2_PROXY_COOKIE_SECRET=\"$(openssl rand -base64 32 | tr -- '+/' '-_')\"",
    'oauth2-proxy --config oauth2-proxy.cfg',
  ],
  rows: [
    ['oauth2-proxy.cfg', nginxProxy, 'toml'],
    ['nginx.conf', nginxSite, 'plain'],
  ],
})

export const apache = defineApplication({
  kind: 'apache',
  title: 'Apache with mod_auth_openidc',
  methods: ['client_secret_basic', 'client_secret_post', 'none'],
  redirect: onWeb('https://intranet.example.com/redirect_uri'),
  run: ['export CRYPTO_PASSPHRASE="$(openssl rand -base64 32)"', 'apachectl configtest'],
  rows: [['latchkey.conf', apacheSite, 'apache']],
})
