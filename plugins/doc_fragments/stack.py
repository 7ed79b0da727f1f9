# Copyright: (c) 2026, kong_masking.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the option that names the stack."""

from __future__ import annotations


class ModuleDocFragment:
    """The stack option, shared by all modules."""

    DOCUMENTATION = r"""
options:
  stack:
    description: Which stack it is and what its parts are called.
    type: dict
    required: true
    suboptions:
      project:
        description: The Compose project; containers, networks and volumes are found by its label.
        type: str
        required: true
      environment:
        description: The environment that backups belong to.
        type: str
        required: true
      dir:
        description: The directory of the Compose project on the target.
        type: path
        required: true
      compose_files:
        description:
          - Compose files, relative to O(stack.dir).
          - Empty means those that a plain C(docker compose) reads there, with the override file beside them.
          - Where none of them is there, one of Compose's usual names is taken.
        type: list
        elements: str
        default: []
      env_file:
        description:
          - The environment file that deployments use, relative to O(stack.dir).
          - Where it is not there, C(.env) is taken.
        type: str
        default: .env
      backup_dir:
        description: Where backups lie; by default C(backups) in O(stack.dir).
        type: path
      config_paths:
        description: Mounted directories that are configuration although containers may write to them.
        type: list
        elements: str
        default: []
      redis_service:
        description: The service that holds the mappings.
        type: str
        default: redis
      kong_service:
        description: The gateway's service.
        type: str
        default: kong
      proxy_service:
        description:
          - The service of the proxy in front of the gateway; empty where there is none.
          - Without one the requests of the checks go to the gateway's own port, and no check of a proxy is made.
        type: str
        default: nginx
      mapping_prefixes:
        description: Key prefixes of the masking plugin.
        type: list
        elements: str
        default: ["aws_masker:"]
      masking_plugin:
        description: The masking plugin's name in Kong.
        type: str
        default: aws-masker
      proxy_port:
        description: The proxy's port inside its container; V(0) takes the first published one.
        type: int
        default: 0
      health_path:
        description:
          - The proxy's own health page; not asked where there is no proxy. Well is status 200 with V(healthy), V(ok),
            V(up), V(pass) or V(alive), as one plain word or as C(status) of a JSON object.
        type: str
        default: /health
      probe_path:
        description: A path that the gateway routes and on which the masking plugin works.
        type: str
        default: /v1/messages
      probe_host:
        description:
          - The name that every request to the gateway and the proxy asks for, its C(Host) header.
          - Where routes or servers are chosen by a name; they are asked by address otherwise.
        type: str
        default: ""
      redis_host:
        description:
          - A Redis outside the Compose project, a managed one for instance. Its data can be changed by a delta only.
          - No container of it is asked for then, and its checks depend on its own answer alone.
          - Empty for the project's own, which is reached by its container's address.
        type: str
        default: ""
      redis_port:
        description:
          - The port of O(stack.redis_host).
          - For the project's own Redis the port inside its container where its command names none by C(--port), or by
            C(--tls-port) with TLS; one that C(redis.conf) sets for instance.
        type: int
        default: 6379
      redis_database:
        description:
          - The number of the database that the plugin keeps its mappings in, its own C(redis_database).
          - Mappings are counted and a masking request is looked for there. Copies and restores take all databases.
        type: int
        default: 0
      redis_tls:
        description:
          - Speak TLS to O(stack.redis_host), or to the project's own Redis.
          - The certificate of the latter need not name anybody, as its container is asked by address.
        type: bool
        default: false
      redis_ca:
        description: A file on the target with the authorities for its certificate; by default the system's.
        type: path
      redis_user:
        description: The user of Redis' access control lists; empty for the default one.
        type: str
        default: ""
      redis_password:
        description:
          - A password to try before those of the container and of the environment file, after a rotation for instance.
        type: str
        default: ""
      redis_image:
        description:
          - With O(stack.redis_host), the scratch server's image, of that Redis' version and present on the target.
        type: str
        default: ""
      required_variables:
        description:
          - Variables that the environment file must give a value to; a backup whose file lacks one is refused.
        type: list
        elements: str
        default: []
      plain_libraries:
        description:
          - Go on where the libraries docker, redis or requests are missing, with what stands in for them here.
          - The playbook C(force_rollback) sets it; the plan lists it as the waived guard C(libraries_missing).
        type: bool
        default: false
      command:
        description:
          - How a playbook of the collection is started for this stack and host, with C({}) in place of its name.
          - Every command that a message names is written so.
          - By default C(ansible-playbook playbooks/{}.yml -e env=ENVIRONMENT).
        type: str
        default: ""
requirements:
  - docker (Python library)
  - redis (Python library)
  - requests (Python library)
  - PyYAML (Python library)
  - Docker Compose 2.21 or newer on the target
"""
