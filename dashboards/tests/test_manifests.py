"""Commands that no test can run are held to what the manifests name."""

from __future__ import annotations

import pytest

from dashboards import manifests


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        pytest.param("kubectl rollout undo deployment/proxy", "no deployment/proxy", id="deployment"),
        pytest.param("kubectl roll back", "kubectl roll back is not", id="verb"),
        pytest.param("kubectl get pods -l app=proxy", "no pod has the label app=proxy", id="label"),
        pytest.param("kubectl port-forward deployment/cortex-proxy 8080:80", "listens on 80", id="port"),
        pytest.param("kubectl create secret generic keys --from-file=private_key", "no secret keys", id="secret"),
        pytest.param("kubectl create secret generic cortex-proxy-keys --from-file=key", "has no key", id="file"),
        pytest.param("kubectl kustomize proxy/deploy/env", "no kustomization.yaml", id="kustomization"),
        pytest.param("kubectl kustomize proxy/deploy/env | kubectl apply -f -", "no kustomization.yaml", id="pipe"),
        pytest.param("kubectl logs deployment/proxy &", "no deployment/proxy", id="background"),
        pytest.param("podman compose -f $OLD/compose.yaml up", "no $OLD/compose.yaml", id="path"),
        pytest.param("kubectl logs 'deployment/cortex-proxy", "No closing quotation", id="quotation"),
        pytest.param("podman compose up", "does not say which file", id="no-path"),
        pytest.param("podman compose -f proxy/deploy/compose.yaml restart cache", "no service cache", id="service"),
        pytest.param("docker compose -f proxy/deploy/compose.yaml reload", "compose reload is not", id="compose-verb"),
    ],
)
def test_a_name_that_no_manifest_has_is_found(command: str, fault: str) -> None:
    """A command that would fail at night fails here."""
    assert any(fault in found for found in manifests.faults(command))


@pytest.mark.parametrize(
    "command",
    [
        "kubectl rollout undo deployment/cortex-proxy",
        "kubectl exec deployment/cortex-proxy -- python -c 'print(1)' deployment/other",
        "kubectl port-forward deployment/cortex-proxy 8080:8080 9464:9464 &",
        "podman compose -f proxy/deploy/compose.yaml exec redis redis-cli info memory",
        'podman compose -f "$OLD/proxy/deploy/compose.yaml" up --build --detach proxy',
        "curl http://127.0.0.1:8080/livez",
    ],
)
def test_names_of_the_manifests_pass(command: str) -> None:
    """What runs inside a container, or is another program, is not looked at."""
    assert list(manifests.faults(command)) == []
