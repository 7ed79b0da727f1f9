# Real nginx, in front of the gateway.
ARG BASE
FROM ${BASE}
RUN rm -f /etc/nginx/sites-enabled/default && mkdir -p /etc/nginx/conf.d \
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
