// An identity provider for the tests: node-oidc-provider, certified, with its own sign-in pages.
// Prints its issuer once it listens; the line it then reads is the redirect URI of its one client.
import http from 'node:http';
import readline from 'node:readline';
import Provider from 'oidc-provider';

const people = {
  ann: { email: 'ann@factory.example', email_verified: true, name: 'Ann' },
  eve: { email: 'eve@rival.example', email_verified: true, name: 'Eve' },
  bob: { email: 'bob@factory.example', email_verified: false, name: 'Bob' },
};

const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('close', () => process.exit(0));
  lines.once('line', (redirectUri) => {
    const provider = new Provider(issuer, {
      clients: [{
        client_id: 'woaas', client_secret: 'a-secret-of-the-test', redirect_uris: [redirectUri],
        grant_types: ['authorization_code'], response_types: ['code'],
      }],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...people[id] }) }),
      pkce: { required: () => true },
      cookies: { keys: ['only for tests'] },
    });
    server.on('request', provider.callback());
    console.log('ready');
  });
  console.log(issuer);
});
