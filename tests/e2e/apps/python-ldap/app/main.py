"""Finds colleagues in the directory of the staff."""

import os

import ldap
import ldap.dn
import ldap.filter
from fastapi import FastAPI, HTTPException

SERVER = os.environ.get("LDAP_SERVER", "ldap://localhost:389")

app = FastAPI()


@app.get("/healthz")
def healthz() -> dict[str, bool]:
    return {"ok": True}


@app.get("/dn/{name}")
def dn(name: str) -> dict[str, str]:
    escaped = ldap.dn.escape_dn_chars(name)
    return {"dn": f"cn={escaped},ou=staff", "filter": ldap.filter.filter_format("(cn=%s)", [name])}


@app.get("/colleagues/{name}")
def colleague(name: str) -> list[str]:
    try:
        connection = ldap.initialize(SERVER)
        connection.set_option(ldap.OPT_NETWORK_TIMEOUT, 2)
        found = connection.search_s("ou=staff", ldap.SCOPE_SUBTREE, ldap.filter.filter_format("(cn=%s)", [name]))
        return [distinguished for distinguished, _ in found]
    except ldap.LDAPError as error:
        raise HTTPException(503, "the directory is away") from error
