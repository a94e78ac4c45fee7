# The command of a caller of the reusable workflow.
curl --silent --show-error --fail --output /dev/null "$TORCH_DASHBOARD_URL/login"
mkdir -p reports/more
case $1 in
  succeeds)
    cp test/fixtures/junit/node.xml reports/node.xml
    ;;
  fails)
    cp test/fixtures/junit/pytest.xml reports/more/pytest.xml
    echo '<testsuite name="cut off"><testcase name="ends too early"/><testca' > reports/cut.xml
    ln -s /etc/passwd reports/passwd.xml
    echo '::add-mask::not-for-the-summary'
    echo 'the token is not-for-the-summary'
    cat "$CREDENTIALS_DIRECTORY/torch.key"
    sleep 3600 &
    exit 3
    ;;
  waits)
    sleep 3600 &
    echo 'waits to be cancelled'
    wait
    ;;
esac
