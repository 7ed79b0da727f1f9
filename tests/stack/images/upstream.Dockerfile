# The provider's place: echoes what it gets and remembers it.
ARG BASE
FROM ${BASE}
COPY upstream /opt/upstream
ENV PYTHONUNBUFFERED=1
EXPOSE 8080
CMD ["python3", "/opt/upstream/echo.py"]
