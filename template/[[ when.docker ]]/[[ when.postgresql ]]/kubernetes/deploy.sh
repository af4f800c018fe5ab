#{% set name = package_name | replace("_", "-") %}
#!/bin/sh
# Brings the database up to date, then starts the service or replaces the one that runs, in the
# current namespace. Where a migration fails, the one that runs stays as it is.
#
# Usage: sh kubernetes/deploy.sh [FOLDER]   FOLDER: overlays/production or another one of yours
set -eu

folder=${1:-kubernetes}
job=job/[[ name ]]-migrate

kubectl delete --ignore-not-found "$job"
kubectl apply --kustomize "$folder" --selector app.kubernetes.io/name=[[ name ]]-migrate
until kubectl wait --for=condition=complete --timeout=5s "$job" >/dev/null 2>&1; do
    if kubectl wait --for=condition=failed --timeout=0s "$job" >/dev/null 2>&1; then
        kubectl logs --tail=50 "$job" >&2
        echo "The migration failed; the service is as it was." >&2
        exit 1
    fi
    # It goes away when somebody deletes it.
    kubectl get "$job" >/dev/null
done
kubectl apply --kustomize "$folder"
kubectl rollout status --timeout=10m deployment/[[ name ]]
