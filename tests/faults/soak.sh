# Deployment after deployment with random changes and random faults, against a model. See soak.py.
# shellcheck disable=SC2154 # what lib.sh defines

test_after_random_deployments_with_random_faults_the_model_holds() {
    python3 "$TIDEGATE_SOURCE/tests/faults/soak.py" || exit $?
}
