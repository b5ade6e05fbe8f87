// The graph explorer: GraphiQL over this server's own /graphql, queries by POST and subscriptions by WebSocket.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const socket = new URL("/graphql", window.location.href);
socket.protocol = socket.protocol.replace("http", "ws");

const fetcher = createGraphiQLFetcher({
  url: "/graphql",
  subscriptionUrl: socket.href,
  headers: { "woaas-console": "explorer" },
});

const example = `# Put your key under "Headers": {"Authorization": "Bearer woaas_test_…"}
query OpenOrders {
  workOrders(first: 10, filter: { state: { in: ["released", "running"] } }) {
    edges { node { number product quantity state dueAt operations { sequence name state } } }
    pageInfo { hasNextPage endCursor }
  }
}
`;

createRoot(document.getElementById("explorer")).render(
  createElement(GraphiQL, { fetcher, defaultQuery: example, defaultEditorToolsVisibility: "headers" }),
);
