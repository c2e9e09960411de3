"""The rules: facts in, decisions out, each with its reason. Total, idempotent, in any order; knows no clock."""
