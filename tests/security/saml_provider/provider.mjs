// An identity provider for the tests: samlify reads our metadata and requests, and writes and signs the answers.
// Prints its origin once it listens; the line it then reads is its key and certificate.
import http from 'node:http';
import readline from 'node:readline';
import samlify from 'samlify';

const people = {
  ann: { email: 'ann@factory.example', name: 'Ann' },
  eve: { email: 'eve@rival.example', name: 'Eve' },
};
// Ours is checked by other tests; samlify asks for some validator before it reads anything.
samlify.setSchemaValidator({ validate: async () => 'valid' });

const { binding } = samlify.Constants.namespace;
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('close', () => process.exit(0));
  lines.once('line', (line) => {
    const { key, certificate } = JSON.parse(line);
    const idp = samlify.IdentityProvider({
      entityID: `${origin}/metadata`,
      privateKey: key,
      signingCert: certificate,
      isAssertionEncrypted: false,
      requestSignatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
      nameIDFormat: ['urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'],
      singleSignOnService: [{ Binding: binding.redirect, Location: `${origin}/sso` }],
      loginResponseTemplate: {
        context: samlify.SamlLib.defaultLoginResponseTemplate.context,
        attributes: [
          { name: 'mail', valueTag: 'mail', nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic', valueXsiType: 'xs:string' },
          { name: 'displayName', valueTag: 'name', nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic', valueXsiType: 'xs:string' },
        ],
      },
    });
    server.on('request', (request, response) => serve(idp, origin, request, response).catch((error) => {
      response.writeHead(500);
      response.end(String(error.stack ?? error));
    }));
    console.log('ready');
  });
  console.log(origin);
});

let sp;

async function serve(idp, origin, request, response) {
  const url = new URL(request.url, origin);
  if (url.pathname === '/metadata') return response.end(idp.getMetadata());
  if (url.pathname === '/sp') {
    let metadata = '';
    for await (const part of request) metadata += part;
    sp = samlify.ServiceProvider({ metadata });
    return response.end('known');
  }
  const query = Object.fromEntries(url.searchParams);
  const asked = await idp.parseLoginRequest(sp, 'redirect', { query });
  const person = people[query.person];
  const fill = (template) => {
    const now = new Date();
    const until = new Date(now.getTime() + 300_000).toISOString();
    const id = `_${crypto.randomUUID()}`;
    const acs = sp.entityMeta.getAssertionConsumerService('post');
    const values = {
      ID: id, AssertionID: `_${crypto.randomUUID()}`, Issuer: idp.entityMeta.getEntityID(), IssueInstant: now.toISOString(),
      Destination: acs, AssertionConsumerServiceURL: acs, SubjectRecipient: acs, Audience: sp.entityMeta.getEntityID(),
      EntityID: sp.entityMeta.getEntityID(), InResponseTo: asked.extract.request.id,
      StatusCode: samlify.Constants.StatusCode.Success, NameID: person.email,
      NameIDFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
      ConditionsNotBefore: now.toISOString(), ConditionsNotOnOrAfter: until, SubjectConfirmationDataNotOnOrAfter: until,
      AuthnStatement: `<saml:AuthnStatement AuthnInstant="${now.toISOString()}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`,
      attrMail: person.email, attrName: person.name,
    };
    // samlify's own replacing escapes what it puts in, and a statement is no text.
    const { AuthnStatement, ...texts } = values;
    return { id, context: samlify.SamlLib.replaceTagsByValue(template.replace('{AuthnStatement}', AuthnStatement), texts) };
  };
  const { context } = await idp.createLoginResponse(sp, asked, 'post', person, fill);
  const form = { SAMLResponse: context, RelayState: query.RelayState };
  response.end(JSON.stringify(form));
}
