/** <inclusion-proof>, <consistency-proof>: follow RFC 6962 proofs in the browser and say whether the roots agree. */

class InclusionProof extends HTMLElement {
  async connectedCallback() {
    const verdict = this.querySelector(".verdict");
    const text = (name) => this.getAttribute(name);
    const path = text("path").split(" ").filter(Boolean).map(bytes);
    const root = await rootOf(Number(text("index")), Number(text("size")), bytes(text("leaf")), path);
    const isGood = root !== null && same(root, bytes(text("root")));
    verdict.textContent = isGood ? text("good") : text("bad");
    verdict.className = `verdict ${isGood ? "is-good" : "is-bad"}`;
  }
}

class ConsistencyProof extends HTMLElement {
  async connectedCallback() {
    const text = (name) => this.getAttribute(name);
    const path = text("path").split(" ").filter(Boolean).map(bytes);
    const isGood = await continues(
      Number(text("old")), Number(text("size")), bytes(text("old-root")), bytes(text("root")), path,
    );
    const verdict = this.querySelector(".verdict");
    verdict.textContent = isGood ? text("good") : text("bad");
    verdict.className = `verdict ${isGood ? "is-good" : "is-bad"}`;
  }
}

/** Whether the tree of `size` leaves starts with the tree of `old` leaves (RFC 9162 §2.1.4.2). */
export async function continues(old, size, oldRoot, root, path) {
  if (old === size) return path.length === 0 && same(oldRoot, root);
  if (old < 1 || old > size) return false;
  const parts = Number.isInteger(Math.log2(old)) ? [oldRoot, ...path] : path;
  if (parts.length === 0) return false;
  let node = old - 1;
  let last = size - 1;
  while (node % 2 === 1) [node, last] = [(node - 1) / 2, Math.floor(last / 2)];
  let [before, after] = [parts[0], parts[0]];
  for (const part of parts.slice(1)) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      [before, after] = [await parent(part, before), await parent(part, after)];
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      after = await parent(after, part);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && same(before, oldRoot) && same(after, root);
}

/** The root that a proof leads to (RFC 9162 §2.1.3.2); null where it does not fit the place. */
export async function rootOf(index, size, leaf, path) {
  if (index >= size) return null;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      hash = await parent(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      hash = await parent(hash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hash : null;
}

async function parent(left, right) {
  const data = new Uint8Array(1 + left.length + right.length);
  data[0] = 1;
  data.set(left, 1);
  data.set(right, 1 + left.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

function same(a, b) {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

customElements.define("inclusion-proof", InclusionProof);
customElements.define("consistency-proof", ConsistencyProof);
