"""PyPI's client of Kubernetes against the double: a watch, and an apply that meets another manager's."""
from kubernetes import client, config, watch

config.load_kube_config()
apps = client.AppsV1Api()


def apply(image, manager, force=None):
    body = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "py"},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "py"}},
            "template": {
                "metadata": {"labels": {"app": "py"}},
                "spec": {"containers": [{"name": "app", "image": image}]},
            },
        },
    }
    return apps.patch_namespaced_deployment(
        "py", "shop", body, field_manager=manager, force=force, _content_type="application/apply-patch+yaml")


apply("py:v1", "one")
watcher = watch.Watch()
for event in watcher.stream(apps.list_namespaced_deployment, "shop", timeout_seconds=30):
    if event["object"].metadata.name == "py" and event["object"].status.ready_replicas == 2:
        print("ready")
        watcher.stop()
try:
    apply("py:v2", "two")
except client.ApiException as error:
    print(error.status, error.reason)
forced = apply("py:v2", "two", True)
print(forced.spec.template.spec.containers[0].image)
print(",".join(entry.manager for entry in forced.metadata.managed_fields))
