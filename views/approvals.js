// While nothing waits there is nothing to read: looks again, and shows the page anew when something has come.
const between = 10_000

setInterval(async () => {
  const answer = await fetch(location.href).catch(() => undefined)
  if (answer?.ok && (await answer.text()).includes('name="request"')) location.reload()
}, between)
