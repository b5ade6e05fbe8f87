// A third party's application: discovers the server, sends a person there, takes what comes back, and uses it.
// Reads {issuer, id, secret, machine: {id, secret}} and the address the browser came back to, one a line.
import { createInterface } from "node:readline";
import * as oidc from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => (await lines.next()).value;
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const plain = { execute: [oidc.allowInsecureRequests] }; // the test has no certificate

const given = JSON.parse(await next());
const issuer = new URL(given.issuer);
const app = await oidc.discovery(issuer, given.id, given.secret, oidc.ClientSecretBasic(given.secret), plain);
const redirect_uri = "https://app.example/cb";
const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState();
const nonce = oidc.randomNonce();
const scope = "openid profile email offline_access work_orders:read";
const code_challenge = await oidc.calculatePKCECodeChallenge(verifier);
const asked = { redirect_uri, scope, state, nonce, code_challenge, code_challenge_method: "S256" };
say(oidc.buildAuthorizationUrl(app, asked).href);

const back = new URL(await next());
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true, maxAge: 600 };
const tokens = await oidc.authorizationCodeGrant(app, back, checks);
const { sub } = tokens.claims();
const person = await oidc.fetchUserInfo(app, tokens.access_token, sub);
const renewed = await oidc.refreshTokenGrant(app, tokens.refresh_token);
const orders = await oidc.fetchProtectedResource(app, renewed.access_token, new URL("/v1/work-orders", issuer), "GET");
const before = await oidc.tokenIntrospection(app, renewed.access_token);
await oidc.tokenRevocation(app, renewed.refresh_token);
const after = await oidc.tokenIntrospection(app, renewed.access_token);

const { id, secret } = given.machine;
const machine = await oidc.discovery(issuer, id, secret, oidc.ClientSecretPost(secret), plain);
const own = await oidc.clientCredentialsGrant(machine, { scope: "work_orders:read" });
const seen = await oidc.fetchProtectedResource(machine, own.access_token, new URL("/v1/me", issuer), "GET");
say({ sub, person, orders: orders.status, before: before.active, after: after.active, machine: (await seen.json()).id });
process.stdin.destroy(); // else it waits for another line
