# Real Redis. Started by root it gives up its rights by itself, as the public image does.
ARG BASE
FROM ${BASE}
COPY redis-entrypoint /usr/local/bin/docker-entrypoint.sh
RUN usermod -u 999 redis && groupmod -g 999 redis && mkdir -p /data && chown redis:redis /data
VOLUME /data
WORKDIR /data
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 6379
CMD ["redis-server"]
