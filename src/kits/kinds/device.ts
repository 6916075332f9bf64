/** Applications on a device: React Native and Flutter, and a script for PowerShell. https://www.rfc-editor.org/rfc/rfc8252 */
import flutterMain from '../../../kits/flutter/main.dart.tmpl' with { type: 'text' }
import flutterNotes from '../../../kits/flutter/notes.md.tmpl' with { type: 'text' }
import flutterPubspec from '../../../kits/flutter/pubspec.yaml.tmpl' with { type: 'text' }
import flutterSettings from '../../../kits/flutter/settings.dart.tmpl' with { type: 'text' }
import script from '../../../kits/powershell/client.ps1.tmpl' with { type: 'text' }
import nativeApp from '../../../kits/react_native/App.jsx.tmpl' with { type: 'text' }
import nativeNotes from '../../../kits/react_native/notes.md.tmpl' with { type: 'text' }
import nativeSettings from '../../../kits/react_native/settings.js.tmpl' with { type: 'text' }
import { defineApplication } from '../application.ts'
import { anyMethod, type Kit, type RedirectWish } from '../kit.ts'
import { fromTemplate } from '../template.ts'

/** A scheme of the application itself (RFC 8252 §7.1). */
const ownScheme: RedirectWish = {
  example: 'com.example.photos:/callback',
  expected: 'with a scheme of the application, such as com.example.photos:/callback',
  accepts: (uri) => /^(?!https?:)[a-z][a-z\d.-]*:\/{1,2}[\w.~/-]+$/.test(uri),
}

export const reactNative = defineApplication({
  kind: 'react-native',
  title: 'React Native',
  methods: ['none'],
  redirect: ownScheme,
  run: [
    'npx @react-native-community/cli init Kit',
    'cp App.jsx settings.js Kit/ && rm Kit/App.tsx && cd Kit',
    'npm install react-native-app-auth@8.4.1',
    'npx react-native run-android',
  ],
  notes: nativeNotes,
  rows: [
    ['App.jsx', nativeApp],
    ['settings.js', nativeSettings, 'js'],
  ],
})

export const flutter = defineApplication({
  kind: 'flutter',
  title: 'Flutter',
  methods: ['none'],
  redirect: ownScheme,
  run: ['flutter create --platforms android,ios --project-name latchkey_kit .', 'flutter run'],
  notes: flutterNotes,
  rows: [
    ['pubspec.yaml', flutterPubspec],
    ['lib/main.dart', flutterMain],
    ['lib/settings.dart', flutterSettings, 'dart'],
  ],
})

export const powershell: Kit = {
  kind: 'powershell',
  title: 'PowerShell',
  methods: anyMethod,
  grant: 'device',
  signsIn: true,
  files: (values) => [
    {
      ...fromTemplate('client.ps1', script, values, 'powershell'),
      isPrivate: values.client_secret !== undefined,
    },
  ],
  run: () => ['pwsh client.ps1'],
}
