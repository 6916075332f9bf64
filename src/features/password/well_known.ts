/** Where password managers find the page that changes a password. https://www.w3.org/TR/change-password-url/ */
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { redirectWithin } from '../../http/reply.ts'
import { passwordPath } from './change_password.ts'

export const changePasswordUrl = defineEndpoint({
  name: 'change_password_url',
  path: '/.well-known/change-password',
  advertised: false,
  page: true,
  get: (_call, { basePath }) => redirectWithin(`${basePath}${passwordPath}`),
})
