# The gateway double: it takes Kong's place where no Kong image can be had. It is not Kong.
ARG BASE
FROM ${BASE}
COPY gateway_double /opt/gateway-double/gateway_double
COPY handler.lua /usr/local/share/lua/5.1/kong/plugins/aws-masker/handler.lua
ENV PYTHONPATH=/opt/gateway-double KONG_VERSION=3.9.1
RUN useradd --uid 1000 --home-dir /usr/local/kong --create-home kong \
 && install -m 0755 /opt/gateway-double/gateway_double/kong /usr/local/bin/kong \
 && python3 -m compileall -q /opt/gateway-double
USER kong
EXPOSE 8000 8001
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=60s --timeout=10s --retries=10 CMD ["kong", "health"]
CMD ["kong", "docker-start"]
