/** What an operator registers for the services, in the form of docs/configuration_files.md: which service may call which one, and for what. */

interface Resources {
  gateway: string
  orders: string
  stock: string
}

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** `publicKeys` has the key (JWK) of each service. The provider keeps no secret of any of them. */
export const configurationOf = (at: Resources, publicKeys: Readonly<Record<string, object>>) => {
  const service = (client_id: string, members: object) => ({
    client_id,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [publicKeys[client_id]] },
    // Each token is bound to a key of the process that got it: a copy of it is of no use.
    dpop_bound_access_tokens: true,
    ...members,
  })
  return {
    scopes: ['place:orders', 'reserve:stock', 'read:stock'],
    clients: [
      {
        client_id: 'shop',
        client_name: 'Shop',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/callback'],
        scope: 'openid place:orders reserve:stock',
        allowed_resources: [at.gateway],
      },
      // `resource_uris`: the audience of the tokens that it may exchange. `allowed_resources`: the audience of those that it may get.
      service('gateway', {
        grant_types: [exchange],
        scope: 'place:orders reserve:stock',
        resource_uris: [at.gateway],
        allowed_resources: [at.orders],
      }),
      service('orders', {
        grant_types: [exchange],
        scope: 'reserve:stock',
        resource_uris: [at.orders],
        allowed_resources: [at.stock],
      }),
      service('nightly', {
        grant_types: ['client_credentials'],
        scope: 'read:stock',
        allowed_resources: [at.stock],
      }),
    ],
  }
}
