/** Web applications in other languages: Go, Java, .NET, PHP, Ruby, Rust. https://www.rfc-editor.org/rfc/rfc6749#section-4.1 */
import dotnetProject from '../../../kits/dotnet/kit.csproj.tmpl' with { type: 'text' }
import dotnetProgram from '../../../kits/dotnet/Program.cs.tmpl' with { type: 'text' }
import dotnetSettings from '../../../kits/dotnet/appsettings.json.tmpl' with { type: 'text' }
import goMain from '../../../kits/go/main.go.tmpl' with { type: 'text' }
import goModule from '../../../kits/go/go.mod.tmpl' with { type: 'text' }
import goSettings from '../../../kits/go/settings.go.tmpl' with { type: 'text' }
import javaApplication from '../../../kits/java/Application.java.tmpl' with { type: 'text' }
import javaPom from '../../../kits/java/pom.xml.tmpl' with { type: 'text' }
import javaSettings from '../../../kits/java/application.yml.tmpl' with { type: 'text' }
import phpComposer from '../../../kits/php/composer.json.tmpl' with { type: 'text' }
import phpIndex from '../../../kits/php/index.php.tmpl' with { type: 'text' }
import phpSettings from '../../../kits/php/settings.php.tmpl' with { type: 'text' }
import rubyApp from '../../../kits/ruby/app.rb.tmpl' with { type: 'text' }
import rubyConfig from '../../../kits/ruby/config.ru.tmpl' with { type: 'text' }
import rubyGems from '../../../kits/ruby/Gemfile.tmpl' with { type: 'text' }
import rubySettings from '../../../kits/ruby/settings.rb.tmpl' with { type: 'text' }
import rustCargo from '../../../kits/rust/Cargo.toml.tmpl' with { type: 'text' }
import rustMain from '../../../kits/rust/main.rs.tmpl' with { type: 'text' }
import rustSettings from '../../../kits/rust/settings.rs.tmpl' with { type: 'text' }
import { defineApplication, onLoopback } from '../application.ts'
import { anyMethod } from '../kit.ts'

export const go = defineApplication({
  kind: 'go',
  title: 'Go',
  methods: anyMethod,
  redirect: onLoopback('http://localhost:8080/callback'),
  run: ['go mod tidy', 'go run .'],
  rows: [
    ['go.mod', goModule],
    ['main.go', goMain],
    ['settings.go', goSettings, 'go'],
  ],
})

export const spring = defineApplication({
  kind: 'spring',
  title: 'Java with Spring',
  methods: anyMethod,
  redirect: onLoopback('http://localhost:8080/login/oauth2/code/latchkey'),
  run: ['mvn spring-boot:run'],
  rows: [
    ['pom.xml', javaPom],
    ['src/main/java/com/example/Application.java', javaApplication],
    ['src/main/resources/application.yml', javaSettings, 'spring'],
  ],
})

export const dotnet = defineApplication({
  kind: 'dotnet',
  title: '.NET',
  // ASP.NET Core sends its secret in the body alone.
  methods: ['client_secret_post', 'none'],
  redirect: onLoopback('http://localhost:5080/signin-oidc'),
  run: ['dotnet run'],
  rows: [
    ['kit.csproj', dotnetProject],
    ['Program.cs', dotnetProgram],
    ['appsettings.json', dotnetSettings, 'json'],
  ],
})

export const php = defineApplication({
  kind: 'php',
  title: 'PHP',
  methods: anyMethod,
  redirect: onLoopback('http://localhost:8080/callback'),
  run: ['composer install', 'php -S @@redirect_authority@@ index.php'],
  rows: [
    ['composer.json', phpComposer],
    ['index.php', phpIndex],
    ['settings.php', phpSettings, 'php'],
  ],
})

export const ruby = defineApplication({
  kind: 'ruby',
  title: 'Ruby with Sinatra',
  methods: anyMethod,
  redirect: onLoopback('http://localhost:9292/auth/latchkey/callback'),
  run: ['bundle install', 'bundle exec rackup --host @@redirect_host@@ --port @@redirect_port@@'],
  rows: [
    ['Gemfile', rubyGems],
    ['config.ru', rubyConfig],
    ['app.rb', rubyApp],
    ['settings.rb', rubySettings, 'ruby'],
  ],
})

export const rust = defineApplication({
  kind: 'rust',
  title: 'Rust',
  methods: anyMethod,
  redirect: onLoopback('http://localhost:8080/callback'),
  run: ['cargo run'],
  rows: [
    ['Cargo.toml', rustCargo],
    ['src/main.rs', rustMain],
    ['src/settings.rs', rustSettings, 'rust'],
  ],
})
