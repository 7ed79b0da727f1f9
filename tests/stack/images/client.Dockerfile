# A client as many are in the field: a shell that ignores SIGTERM, so Docker kills it after its grace.
ARG BASE
FROM ${BASE}
CMD ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
