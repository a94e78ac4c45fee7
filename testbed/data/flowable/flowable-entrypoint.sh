#!/bin/sh
# The name, the folders and the user of the official image. The first two flags take a third off the time to the first
# answer on two cores; JAVA_OPTS comes later and wins. By its path, since busybox has a lesser setpriv of its own.
exec /usr/bin/setpriv --reuid=flowable --regid=flowable --clear-groups \
  java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC ${JAVA_OPTS} \
  -Djava.awt.headless=true -Dfile.encoding=UTF-8 \
  -cp "/app:/app/WEB-INF/classes:/app/WEB-INF/lib/*" \
  org.flowable.rest.app.FlowableRestApplication "$@"
