/** Names of what is secret for sure: what is set to them is taken even where it looks like a word. */
export const strongWords: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  'passwort',
  'contraseña',
  'mot_de_passe',
  'pwd',
  'pass',
  'secret',
  'apikey',
  'api_key',
  'api-key',
  'api key',
  'access_key',
  'access-key',
  'accesskey',
  'secret_key',
  'private_key',
  'private-key',
  'privatekey',
  'auth_token',
  'authtoken',
  'auth-token',
  'access_token',
  'refresh_token',
  'encryption_key',
  'signing_key',
  'account_key',
  'accountkey',
  'sharedaccesskey',
  'master_key',
  'client_secret',
  'authorization',
  'credential',
  'creds',
].map((word) => Buffer.from(word).toString('latin1'));

/** Names of much else besides: what is set to them is taken where it looks made by a machine. */
export const weakWords: readonly string[] = [
  'token',
  'key',
  'auth',
  'bearer',
  'session',
  'cookie',
  'jwt',
  'otp',
  'signature',
  'sig',
  'salt',
  'nonce',
  'hmac',
  'webhook',
  'dsn',
  'license',
  'pin',
  'client_id',
  'client-id',
  'clientid',
  'csrf',
  'sid',
];

/** Services whose keys have no beginning of their own: a random value set to a name with one of these is a key. */
export const services: readonly string[] =
  `adafruit adobe airtable akamai alchemy algolia alibaba aliyun amplitude appdynamics artifactory bintray xray asana atlassian
  auth0 authress aws azure beamer bitbucket bitly bittrex braintree brevo buildkite calendly circleci clickup clojars cloudflare
  cloudinary cloudsmith codecov cohere coinbase confluence confluent contentful databricks datadog deepseek
  defined delighted digitalocean discord disqus docker doppler drone dropbox droneci duffel dynatrace easypost elastic endorlabs etsy facebook
  fastly fauna figma finicity finnhub firebase flickr flutterwave freemius freshbooks frame.io frameio gemini gitea github gitlab gitter gocardless
  google grafana harness hashicorp heroku hetzner hubspot huggingface infracost infura instagram intercom intra42 ipinfo
  jfrog jira jumpcloud kraken kubernetes kucoin launchdarkly linear linked-in lob looker mailchimp mailgun mapbox
  mattermost maxmind message-bird meraki microsoft mistral mixpanel mongodb nasa netlify new-relic npm ngrok
  notion nytimes octopus okta onesignal openai openshift openweather opsgenie pagerduty paypal perplexity
  pinecone plaid planetscale postman postmark prefect private-ai pubnub pulumi pusher pypi rapidapi readme redis
  replicate riot rollbar rubygems scalingo segment sendbird sendgrid sendinblue sentry settlemint shippo
  shodan shopify sidekiq slack snyk sonar splunk spotify square squarespace stripe stytch sumologic sumo supabase
  telegram terraform tiktok todoist codeclima codacy sauce saucelabs softlayer hockeyapp kolide onfido picatic travis travisci trello twilio twitch twitter typeform unsplash vault vercel
  vonage wakatime new-york-times contribsys webex wiz wordpress yandex zendesk zoho zoom`
    .split(/\s+/)
    .filter((name) => name !== '')
    .flatMap((name) => [...new Set(['-', '_', ''].map((mark) => name.replaceAll('-', mark)))]);
