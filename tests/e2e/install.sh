# What `cmake --install` puts where, and whether systemd understands it.
installed() {
    [ -x "$TIDEGATE_BIN/tidegated" ] && [ -x "$TIDEGATE_BIN/tidegatectl" ] || skip "not all programs are built"
    cmake --install "$(dirname "$TIDEGATE_BIN")" --prefix "$work/prefix" >/dev/null
}

test_an_installed_program_runs_from_where_it_lies() {
    installed
    for program in tidegate tidegate-hook tidegated tidegatectl; do
        run "$work/prefix/bin/$program" --version
        expect_status 0
        expect_contains "$out" "0."
    done
    expect_file "$work/prefix/lib/sysusers.d/tidegate.conf"
    for page in man1/tidegate.1 man1/tidegate-hook.1 man5/tidegate.yaml.5 man5/tidegated.yaml.5 \
        man5/tidegate-manifest.5 man8/tidegated.8 man8/tidegatectl.8; do
        expect_file "$work/prefix/share/man/$page"
    done
    for program in tidegate tidegatectl; do
        expect_file "$work/prefix/share/bash-completion/completions/$program"
        expect_file "$work/prefix/share/zsh/site-functions/_$program"
        expect_file "$work/prefix/share/fish/vendor_completions.d/$program.fish"
    done
    expect_file "$work/prefix/libexec/tidegate/tidegate-command"
    expect_file "$work/prefix/lib/tmpfiles.d/tidegate.conf"
    expect_file "$work/prefix/share/doc/tidegate/examples/tidegated.yaml"
}

test_systemd_takes_the_unit_without_a_word() {
    command -v systemd-analyze >/dev/null || skip "no systemd-analyze here"
    installed
    sed -i "s|^ExecStart=[^ ]*|ExecStart=$work/prefix/bin/tidegated|" "$work/prefix/lib/systemd/system/tidegated.service"
    run systemd-analyze verify --man=no "$work/prefix/lib/systemd/system/tidegated.service"
    expect_status 0
    expect_equal "$(grep tidegated.service <<<"$err" || true)" ""
    # Stopping or restarting the daemon leaves the services that releases started.
    grep -qx KillMode=process "$work/prefix/lib/systemd/system/tidegated.service" || fail "KillMode is not process"
}
