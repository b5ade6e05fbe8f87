"""What an application asks of a person, in words: a line a scope."""

from woaas_api.console.vocabulary import N_

WISHES = {
    "openid": N_("Know who you are"),
    "profile": N_("See your name"),
    "email": N_("See your e-mail address"),
    "offline_access": N_("Stay signed in while you are away"),
    "work_orders:read": N_("See work orders, their operations, reports and inspections"),
    "work_orders:write": N_("Create and change work orders and report on them"),
    "master_data:read": N_("See machines, people, calendars, materials and routings"),
    "master_data:write": N_("Change machines, people, calendars, materials and routings"),
    "planning:read": N_("See plans, promises, forecasts and proposals"),
    "planning:write": N_("Plan, promise, forecast and publish plans"),
    "market:read": N_("See the capacity market, quotes and contracts"),
    "market:write": N_("Offer, ask for and award capacity"),
    "billing:read": N_("See usage, invoices and the ledger"),
    "billing:write": N_("Change the plan and the spend limits"),
    "events:read": N_("Follow what happens"),
    "events:write": N_("Say where events are sent"),
    "exports:read": N_("See and download your exports"),
    "exports:write": N_("Export what you may read as files"),
    "audit:read": N_("Read and verify the audit log"),
    "audit:write": N_("Export the audit log"),
    "access:read": N_("See members, keys, roles and permissions"),
    "access:write": N_("Change members, keys, roles and permissions"),
}
